package terminal

import (
	"net"
	"os"
	"strconv"
	"strings"
)

// What Linux tells in /proc is nothing on other systems, where it is left out.

func proc(name string) string {
	b, err := os.ReadFile("/proc/" + name)
	if err != nil {
		return ""
	}
	return string(b)
}

func number(s string) float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0
	}
	return f
}

func uptime() float64 {
	f := strings.Fields(proc("uptime"))
	if len(f) == 0 {
		return 0
	}
	return number(f[0])
}

func loads() (l [3]float64) {
	f := strings.Fields(proc("loadavg"))
	for i := range min(3, len(f)) {
		l[i] = number(f[i])
	}
	return l
}

func memory() (free, total float64) {
	for line := range strings.Lines(proc("meminfo")) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		switch f[0] {
		case "MemTotal:":
			total = number(f[1]) * 1024
		case "MemAvailable:":
			free = number(f[1]) * 1024
		}
	}
	return free, total
}

func cpus() []any {
	var models []string
	var speeds []float64
	for line := range strings.Lines(proc("cpuinfo")) {
		name, value, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(name) {
		case "model name":
			models = append(models, strings.TrimSpace(value))
		case "cpu MHz":
			speeds = append(speeds, float64(int(number(strings.TrimSpace(value)))))
		}
	}
	out := []any{}
	for line := range strings.Lines(proc("stat")) {
		f := strings.Fields(line)
		if len(f) < 7 || !strings.HasPrefix(f[0], "cpu") || f[0] == "cpu" {
			continue
		}
		i, model, speed := len(out), "unknown", 0.0
		if i < len(models) {
			model = models[i]
		}
		if i < len(speeds) {
			speed = speeds[i]
		}
		// Ticks are hundredths of a second; user, nice, sys, idle, irq are milliseconds.
		out = append(out, []any{model, speed, number(f[1]) * 10, number(f[2]) * 10, number(f[3]) * 10, number(f[4]) * 10, number(f[6]) * 10})
	}
	return out
}

// interfaces is [name, address, netmask, family, mac, internal, cidr, scope] of each address.
func interfaces() []any {
	list, err := net.Interfaces()
	if err != nil {
		return []any{}
	}
	out := []any{}
	for _, i := range list {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue // it went away
		}
		mac := i.HardwareAddr.String()
		if mac == "" {
			mac = "00:00:00:00:00:00"
		}
		for _, a := range addrs {
			n, ok := a.(*net.IPNet)
			if !ok {
				continue
			}
			family, mask, scope := "IPv4", net.IP(n.Mask).String(), 0
			if n.IP.To4() == nil {
				family = "IPv6"
				if n.IP.IsLinkLocalUnicast() {
					scope = i.Index
				}
			}
			out = append(out, []any{i.Name, n.IP.String(), mask, family, mac, i.Flags&net.FlagLoopback != 0, n.String(), scope})
		}
	}
	return out
}
