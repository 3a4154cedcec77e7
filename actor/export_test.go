package actor

import (
	"context"

	"workerd.local/loop"
)

// Live is the number of actors in memory.
func (n *Namespace) Live(ctx context.Context) (live int, err error) {
	for _, h := range n.hosts {
		err = loop.Do(ctx, h.loop, func() {
			for _, c := range h.containers {
				if c.actor != nil {
					live++
				}
			}
		})
		if err != nil {
			return 0, err
		}
	}
	return live, nil
}
