package script

import "context"

type dependencies struct{}

func (r *resolver) dependencies(inputs []string) dependencies { return dependencies{} }

func compileCached(ctx context.Context, src *Source) (*Script, error) {
	b, program, err := compileFresh(ctx, src)
	if err != nil {
		return nil, err
	}
	return &Script{bundle: b, program: program, label: src.label()}, nil
}
