package url

import (
	"workerd.local/webapi/bind"
)

// Module is URL and URLSearchParams.
var Module = bind.Module{Name: "url", Globals: []bind.Global{defineURL(), defineParams()}}

// Class is URL. It is filled in by defineURL because its methods make instances.
var Class = &bind.Class[URL]{Name: "URL"}

func defineURL() *bind.Class[URL] {
	*Class = bind.Class[URL]{
		Name:    Class.Name,
		Lengths: map[string]int{"constructor": 1, "parse": 1, "canParse": 1},
		New: func(c *bind.Call) (*URL, error) {
			ref, base, err := unpack(c)
			if err != nil {
				return nil, err
			}
			return Parse(ref, base)
		},
		Order: []string{"origin", "href", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash", "searchParams"},
		Getters: map[string]bind.Getter[URL]{
			"href":     get((*URL).Href),
			"origin":   get((*URL).Origin),
			"protocol": get((*URL).Protocol),
			"username": get((*URL).Username),
			"password": get((*URL).Password),
			"host":     get((*URL).Host),
			"hostname": get((*URL).Hostname),
			"port":     get((*URL).Port),
			"pathname": get((*URL).Pathname),
			"search":   get((*URL).Search),
			"hash":     get((*URL).Hash),
			"searchParams": func(u *URL, c *bind.Call) (any, error) {
				p := u.Params()
				if p.object == nil {
					p.object = ParamsClass.Wrap(c.JS(), p)
				}
				return p.object, nil
			},
		},
		Setters: map[string]bind.Setter[URL]{
			"href": func(u *URL, c *bind.Call) error {
				s, err := c.String(1, c.Arg(0))
				if err != nil {
					return err
				}
				if u.SetHref(s) != nil {
					return c.BadArg(1, "valid URL string")
				}
				return nil
			},
			"protocol": set((*URL).SetProtocol),
			"username": set((*URL).SetUsername),
			"password": set((*URL).SetPassword),
			"host":     set((*URL).SetHost),
			"hostname": set((*URL).SetHostname),
			"port":     set((*URL).SetPort),
			"pathname": set((*URL).SetPathname),
			"search":   set((*URL).SetSearch),
			"hash":     set((*URL).SetHash),
		},
		Methods: map[string]bind.Method[URL]{
			"toString": func(u *URL, c *bind.Call) (any, error) { return u.href, nil },
			"toJSON":   func(u *URL, c *bind.Call) (any, error) { return u.href, nil },
		},
		Statics: map[string]bind.Static{
			"canParse": func(c *bind.Call) (any, error) {
				ref, base, err := unpack(c)
				if err != nil {
					return nil, err
				}
				return CanParse(ref, base), nil
			},
			"parse": func(c *bind.Call) (any, error) {
				ref, base, err := unpack(c)
				if err != nil {
					return nil, err
				}
				u, err := Parse(ref, base)
				if err != nil {
					return bind.Null, nil
				}
				return Class.Wrap(c.JS(), u), nil
			},
		},
	}
	return Class
}

func unpack(c *bind.Call) (ref string, base *string, err error) {
	err = c.Unpack("url:USVString", &ref, "base?", &base)
	return ref, base, err
}

func get(read func(*URL) string) bind.Getter[URL] {
	return func(u *URL, _ *bind.Call) (any, error) { return read(u), nil }
}

func set(write func(*URL, string)) bind.Setter[URL] {
	return func(u *URL, c *bind.Call) error {
		s, err := c.String(1, c.Arg(0))
		if err == nil {
			write(u, s)
		}
		return err
	}
}
