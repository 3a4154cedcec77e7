package r2

import (
	"strings"

	"workerd.local/exception"
)

// parseETags reads the value of an If-Match or If-None-Match header. What is no list of
// ETags ends it.
func parseETags(s string) ([]etag, error) {
	tags := []etag{}
	needComma := false
	comma := func(what string) error {
		return exception.Errorf("Comma was expected to separate etags. Encountered a %s", what)
	}
	for {
		s = strings.TrimLeft(s, " \t")
		if s == "" {
			return tags, nil
		}
		typ := "strong"
		switch s[0] {
		case ',':
			s, needComma = s[1:], false
			continue
		case '*':
			if needComma {
				return nil, comma("wildcard character '*' instead.")
			}
			return []etag{{Type: "wildcard"}}, nil
		case 'W':
			if needComma {
				return nil, comma("weak quotation character 'W' instead. This would otherwise indicate the start of a new weak etag.")
			}
			if !strings.HasPrefix(s, `W/"`) {
				return nil, exception.Errorf("Weak etags must start with W/ and their value must be quoted")
			}
			s, typ = s[3:], "weak"
		case '"':
			if needComma {
				return nil, comma("double quote character '\"' instead. This would otherwise indicate the start of a new strong etag.")
			}
			s = s[1:]
		default:
			return tags, nil
		}
		value, rest, ok := strings.Cut(s, `"`)
		if !ok {
			return nil, exception.Errorf("Unclosed double quote for Etag")
		}
		tags = append(tags, etag{Value: &value, Type: typ})
		s, needComma = rest, true
	}
}

// oneETag is the ETag of an option.
func oneETag(s string) (*[]etag, error) {
	switch {
	case strings.HasPrefix(s, `"`) && strings.HasSuffix(s, `"`):
		return nil, exception.TypeErrorf("Conditional ETag should not be wrapped in quotes (%s).", s)
	case s == "*":
		return &[]etag{{Type: "wildcard"}}, nil
	}
	return &[]etag{{Value: &s, Type: "strong"}}, nil
}
