package limits

import (
	"fmt"
	"strings"
	"time"
)

// Format writes a number for people.
func (u Unit) Format(n int64) string {
	switch u {
	case Time:
		return formatDuration(time.Duration(n))
	case Size:
		return formatBytes(n)
	}
	return group3(n)
}

// Text writes a number as Parse reads it.
func (u Unit) Text(n int64) string {
	switch u {
	case Time:
		text := time.Duration(n).String()
		for _, zero := range []string{"m0s", "h0m"} {
			if cut, ok := strings.CutSuffix(text, zero); ok {
				text = cut + zero[:1]
			}
		}
		return text
	case Size:
		for i, name := range []string{"GiB", "MiB", "KiB"} {
			if one := int64(1) << (30 - 10*i); n >= one && n%one == 0 {
				return fmt.Sprintf("%d%s", n/one, name)
			}
		}
	}
	return fmt.Sprint(n)
}

func formatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= 2*day {
		return group3(int64(d/day)) + " days"
	}
	for _, u := range []struct {
		one  time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}, {time.Millisecond, "ms"}} {
		if d >= u.one && d%u.one == 0 && (u.one != time.Minute || d > 2*time.Minute) {
			return fmt.Sprintf("%d %s", d/u.one, u.name)
		}
	}
	return d.String()
}

func formatBytes(n int64) string {
	for i, name := range []string{"GiB", "MiB", "KiB"} {
		if one := int64(1) << (30 - 10*i); n >= one && n%one == 0 {
			return fmt.Sprintf("%d %s", n/one, name)
		}
	}
	return group3(n) + " bytes"
}

// group3 writes a number with a comma after each three digits.
func group3(n int64) string {
	digits := fmt.Sprint(n)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}
