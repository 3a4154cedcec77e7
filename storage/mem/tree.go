package mem

import (
	"iter"
	"math/rand/v2"
)

// tree is an ordered map that never changes: put and del return a new tree that
// shares all but a path with the old one. So a reader keeps its own version for
// as long as it likes, with no lock, while writers go on. It is a treap: a binary
// search tree by key and a heap by random priority, balanced by expectation.
type tree[K, V any] struct {
	root    *node[K, V]
	compare func(a, b K) int
}

type node[K, V any] struct {
	key         K
	value       V
	priority    uint64
	left, right *node[K, V]
}

func newTree[K, V any](compare func(a, b K) int) tree[K, V] {
	return tree[K, V]{compare: compare}
}

func (t tree[K, V]) empty() bool { return t.root == nil }

func (t tree[K, V]) get(key K) (V, bool) {
	for n := t.root; n != nil; {
		c := t.compare(key, n.key)
		if c == 0 {
			return n.value, true
		}
		if c < 0 {
			n = n.left
		} else {
			n = n.right
		}
	}
	var none V
	return none, false
}

func (t tree[K, V]) put(key K, value V) tree[K, V] {
	fresh := &node[K, V]{key: key, value: value, priority: rand.Uint64()}
	return tree[K, V]{root: t.insert(t.root, fresh), compare: t.compare}
}

func (t tree[K, V]) del(key K) tree[K, V] {
	if _, ok := t.get(key); !ok {
		return t
	}
	return tree[K, V]{root: t.remove(t.root, key), compare: t.compare}
}

func (t tree[K, V]) insert(n, fresh *node[K, V]) *node[K, V] {
	if n == nil {
		return fresh
	}
	switch c := t.compare(fresh.key, n.key); {
	case c == 0:
		m := *n
		m.value = fresh.value
		return &m
	case c < 0:
		m := *n
		m.left = t.insert(n.left, fresh)
		if m.left.priority > m.priority {
			return rotateRight(&m)
		}
		return &m
	default:
		m := *n
		m.right = t.insert(n.right, fresh)
		if m.right.priority > m.priority {
			return rotateLeft(&m)
		}
		return &m
	}
}

func (t tree[K, V]) remove(n *node[K, V], key K) *node[K, V] {
	c := t.compare(key, n.key)
	if c == 0 {
		return join(n.left, n.right)
	}
	m := *n
	if c < 0 {
		m.left = t.remove(n.left, key)
	} else {
		m.right = t.remove(n.right, key)
	}
	return &m
}

// join makes one tree of two, all keys of the first being less.
func join[K, V any](a, b *node[K, V]) *node[K, V] {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.priority > b.priority:
		m := *a
		m.right = join(a.right, b)
		return &m
	default:
		m := *b
		m.left = join(a, b.left)
		return &m
	}
}

// rotateRight and rotateLeft change the fresh node that they are given and a
// copy of its child, which an older version may share.
func rotateRight[K, V any](n *node[K, V]) *node[K, V] {
	up := *n.left
	n.left = up.right
	up.right = n
	return &up
}

func rotateLeft[K, V any](n *node[K, V]) *node[K, V] {
	up := *n.right
	n.right = up.left
	up.left = n
	return &up
}

// from yields the entries whose keys are not before start, in order. A nil start
// means all.
func (t tree[K, V]) from(start *K) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		var path []*node[K, V]
		for n := t.root; n != nil; {
			if start != nil && t.compare(n.key, *start) < 0 {
				n = n.right
			} else {
				path = append(path, n)
				n = n.left
			}
		}
		for len(path) > 0 {
			n := path[len(path)-1]
			path = path[:len(path)-1]
			if !yield(n.key, n.value) {
				return
			}
			for n = n.right; n != nil; n = n.left {
				path = append(path, n)
			}
		}
	}
}

// before yields the entries whose keys are before end, in reverse order. A nil
// end means all.
func (t tree[K, V]) before(end *K) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		var path []*node[K, V]
		for n := t.root; n != nil; {
			if end != nil && t.compare(n.key, *end) >= 0 {
				n = n.left
			} else {
				path = append(path, n)
				n = n.right
			}
		}
		for len(path) > 0 {
			n := path[len(path)-1]
			path = path[:len(path)-1]
			if !yield(n.key, n.value) {
				return
			}
			for n = n.left; n != nil; n = n.right {
				path = append(path, n)
			}
		}
	}
}
