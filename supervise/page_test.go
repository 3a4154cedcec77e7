package supervise

import (
	"encoding/binary"
	"strings"
	"testing"
)

func TestSlotsTellWhoWasRunning(t *testing.T) {
	page := make([]byte, 3*slotBytes)
	first, third := newSlot(page), newSlot(page[2*slotBytes:])
	if got := suspects(page); len(got) != 0 {
		t.Errorf("a fresh page names %v", got)
	}
	first.Running("app", "Room", "lobby")
	third.Running("site", "", "")
	third.Running("a longer name than before", "", "")
	got := suspects(page)
	if len(got) != 2 || got[0] != (Suspect{0, Subject{"app", "Room", "lobby"}}) || got[1] != (Suspect{2, Subject{"a longer name than before", "", ""}}) {
		t.Errorf("%v", got)
	}
	first.Idle()
	third.Running("site", "", "")
	if got := suspects(page); len(got) != 1 || got[0].Subject != (Subject{Worker: "site"}) {
		t.Errorf("%v", got)
	}
	first.Running("app", "Room", "lobby") // the texts are still there
	if got := suspects(page); len(got) != 2 || got[0].String() != "worker app, actor Room/lobby" {
		t.Errorf("%v", got)
	}
}

func TestNamesThatDoNotFitAreCutOff(t *testing.T) {
	page := make([]byte, slotBytes)
	long := Subject{strings.Repeat("w", 600), strings.Repeat("c", 600), strings.Repeat("a", 5000)}
	newSlot(page).Running(long.Worker, long.Class, long.Actor)
	got := suspects(page)
	if len(got) != 1 || !got[0].Is(long) || got[0].Is(Subject{long.Worker, "x", long.Actor}) {
		t.Fatalf("%v", got)
	}
}

func TestDamagedSlotNamesNobody(t *testing.T) {
	page := make([]byte, slotBytes)
	newSlot(page).Running("app", "Room", "lobby")
	binary.LittleEndian.PutUint16(page[6:], 60_000)
	if got := suspects(page); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func BenchmarkSlot(b *testing.B) {
	s := newSlot(make([]byte, slotBytes))
	id := strings.Repeat("0123456789abcdef", 4)
	b.Run("same", func(b *testing.B) {
		for b.Loop() {
			s.Running("app", "Room", id)
			s.Idle()
		}
	})
	b.Run("other", func(b *testing.B) {
		for b.Loop() {
			s.Running("app", "Room", id)
			s.Running("app", "", "")
			s.Idle()
		}
	})
}
