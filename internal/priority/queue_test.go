package priority

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

type item struct {
	n     int
	place Place
}

func newQueue() Queue[*item] {
	return New(func(a, b *item) bool { return a.n < b.n }, func(i *item) *Place { return &i.place })
}

func TestItemsLeaveInTheirOrder(t *testing.T) {
	q := newQueue()
	var all []*item
	for range 500 {
		i := &item{n: rand.IntN(100)}
		all = append(all, i)
		q.Push(i)
	}
	// Some are taken out, from anywhere.
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	out, rest := all[:200], all[200:]
	for _, i := range out {
		if !i.place.Waits() || !q.Remove(i) {
			t.Fatalf("%d does not wait", i.n)
		}
		if i.place.Waits() || q.Remove(i) {
			t.Fatalf("%d is there once more", i.n)
		}
	}
	slices.SortFunc(rest, func(a, b *item) int { return cmp.Compare(a.n, b.n) })
	if q.Len() != len(rest) {
		t.Fatalf("%d wait", q.Len())
	}
	for _, want := range rest {
		if first := q.First(); first.n != want.n || q.Pop() != first || first.place.Waits() {
			t.Fatalf("%d leaves instead of %d", first.n, want.n)
		}
	}
	if q.Len() != 0 {
		t.Errorf("%d are left", q.Len())
	}
}

func TestItemsComeBack(t *testing.T) {
	q := newQueue()
	a, b := &item{n: 1}, &item{n: 2}
	q.Push(b)
	q.Push(a)
	q.Pop()
	a.n = 3
	q.Push(a)
	if q.Pop() != b || q.Pop() != a {
		t.Error("an item that comes back has its old order")
	}
}

func BenchmarkQueue(b *testing.B) {
	q := newQueue()
	items := make([]item, 1000)
	for i := range items {
		items[i].n = i * 7919 % 1000
		q.Push(&items[i])
	}
	b.ReportAllocs()
	for b.Loop() {
		i := q.Pop()
		i.n += 500
		q.Push(i)
	}
}
