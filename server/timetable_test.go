package server

import (
	"testing"
	"time"

	"workerd.local/cron"
)

// What fires when the clock goes on, is set, or stands still.
func TestTimetable(t *testing.T) {
	every := func(text string) trigger {
		e, err := cron.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return trigger{"app", text, e}
	}
	tt := &timetable{late: time.Minute, last: map[string]time.Time{}}
	minute, hour := every("* * * * *"), every("0 * * * *")
	list := []trigger{minute, hour, minute} // one twice
	base := time.Date(2026, 1, 1, 10, 58, 30, 0, time.UTC)
	for i, c := range []struct {
		after        time.Duration
		fire, missed int
		again        time.Duration
	}{
		{0, 0, 0, 30 * time.Second},
		{29 * time.Second, 0, 0, 30 * time.Second},
		{30 * time.Second, 1, 0, 90 * time.Second},
		{30 * time.Second, 0, 0, 90 * time.Second}, // the same moment again, as after a reload
		{20 * time.Second, 0, 0, 90 * time.Second}, // the clock was set back a little: not twice
		{35 * time.Second, 0, 0, 90 * time.Second},
		{91 * time.Second, 2, 0, 150 * time.Second},                             // 11:00
		{3 * time.Hour, 1, 2, 3*time.Hour + 30*time.Second},                     // asleep until 13:58:30: only what is at most a minute late
		{-24 * time.Hour, 0, 0, -24*time.Hour + 30*time.Second},                 // set back by a day
		{-24*time.Hour + 30*time.Second, 1, 0, -24*time.Hour + 90*time.Second},  // and it goes on
		{-24*time.Hour + 95*time.Second, 2, 0, -24*time.Hour + 150*time.Second}, // 11:00 of that day
	} {
		fire, missed, again := tt.due(base.Add(c.after), list)
		if len(fire) != c.fire || len(missed) != c.missed || !again.Equal(base.Add(c.again)) {
			t.Errorf("step %d: %d fire, %d missed, again after %s", i, len(fire), len(missed), again.Sub(base))
		}
		for _, f := range fire {
			if f.at.Second() != 0 || base.Add(c.after).Sub(f.at) > time.Minute {
				t.Errorf("step %d: fires for %s", i, f.at)
			}
		}
	}
	// A new trigger does not fire for the past; one that went is forgotten.
	fire, _, _ := tt.due(base.Add(-24*time.Hour+100*time.Second), []trigger{every("*/2 * * * *")})
	if len(fire) != 0 || len(tt.last) != 1 {
		t.Errorf("%d fire, %d are remembered", len(fire), len(tt.last))
	}
	if fire, missed, again := tt.due(base, nil); len(fire)+len(missed) != 0 || !again.IsZero() {
		t.Error("something fires without triggers")
	}
}
