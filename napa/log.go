package napa

import (
	"fmt"
	"io"

	"github.com/dop251/goja"

	"workerd.local/webapi/bind"
)

// platform is what runtime.setPlatformSettings says.
type platform struct {
	logging, metrics string
}

// Providers that there are: the console, and one that drops everything. The metrics are
// kept whatever provider is named, for metric.snapshot.
const noProvider = "nop"

// levels are the names of the functions of napa.log, by level.
var levels = []string{"err", "warn", "info", "debug"}

// logFunction is napa.log or one of its functions: (message), (section, message) or
// (section, traceId, message).
func logFunction(level int) bind.Static {
	return func(c *bind.Call) (any, error) {
		p, err := placeOf(c.JS())
		if err != nil {
			return nil, err
		}
		var texts []string
		for i := range 3 {
			v := c.Arg(i)
			if i > 0 && (goja.IsUndefined(v) || goja.IsNull(v)) {
				break
			}
			s, ok := v.(goja.String)
			if !ok {
				return nil, c.BadArg(i+1, "string")
			}
			texts = append(texts, s.String())
		}
		section, trace, message := "", "", texts[len(texts)-1]
		if len(texts) > 1 {
			section = texts[0]
		}
		if len(texts) > 2 {
			trace = texts[1]
		}
		file, line := callSite(c.JS())
		return nil, p.System.log(section, trace, message, file, line)
	}
}

// log writes a line. All levels look the same, as in Napa.js.
func (s *System) log(section, trace, message, file string, line int) error {
	s.mu.Lock()
	off := s.settings.logging == noProvider
	s.mu.Unlock()
	if off {
		return nil
	}
	text := message
	if section != "" {
		text = "[" + section + "] " + text
	}
	if trace != "" {
		text += " {" + trace + "}"
	}
	if file != "" {
		text += fmt.Sprintf(" [%s:%d]", file, line)
	}
	s.logMu.Lock()
	defer s.logMu.Unlock()
	if _, err := io.WriteString(s.o.Log, text+"\n"); err != nil {
		return fmt.Errorf("napa.log: %w", err)
	}
	return nil
}

// setPlatformSettings is runtime.setPlatformSettings({loggingProvider, metricProvider}): it
// counts before the first zone and on the program's own thread only.
func setPlatformSettings(c *bind.Call) (any, error) {
	p, err := placeOf(c.JS())
	if err != nil {
		return nil, err
	}
	var settings platform
	if err := c.Options(1, "PlatformSettings", "loggingProvider", &settings.logging, "metricProvider", &settings.metrics); err != nil {
		return nil, err
	}
	for _, name := range []string{settings.logging, settings.metrics} {
		if name != "" && name != "console" && name != noProvider {
			return nil, c.TypeError("there is no provider %s, only \"console\" and %q.", quoted(name), noProvider)
		}
	}
	s := p.System
	s.mu.Lock()
	late := s.started || p.Worker.zone == nil || p.Worker.zone.id != NodeZone
	if !late {
		s.started, s.settings = true, settings
	}
	s.mu.Unlock()
	if late {
		return nil, s.log("", "", "Cannot set platform settings after napa was already initialized", "", 0)
	}
	return nil, nil
}
