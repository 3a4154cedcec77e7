package main

import (
	"maps"
	"slices"
	"strings"

	"workerd.local/webapi/bind"
)

// WordCount counts words. It knows nothing of JavaScript.
type WordCount struct{ words map[string]int }

// Add counts the words of a text.
func (w *WordCount) Add(text string) {
	for word := range strings.FieldsSeq(strings.ToLower(text)) {
		w.words[word]++
	}
}

// wordCountModule is what scripts see of it:
//
//	const count = new WordCount("to be or not to be");
//	count.of("be")  // 2
//	count.total     // 6
//	count.words()   // ["be", "not", "or", "to"]
var wordCountModule = bind.Module{Name: "wordcount", Globals: []bind.Global{wordCountClass}}

var wordCountClass = &bind.Class[WordCount]{
	Name: "WordCount",
	New: func(c *bind.Call) (*WordCount, error) {
		w := &WordCount{words: map[string]int{}}
		_, err := w.add(c)
		return w, err
	},
	Length: 1,
	Getters: map[string]bind.Getter[WordCount]{
		"total": func(w *WordCount, _ *bind.Call) (any, error) {
			total := 0
			for _, n := range w.words {
				total += n
			}
			return total, nil
		},
	},
	Methods: map[string]bind.Method[WordCount]{
		"add": (*WordCount).add,
		"of": func(w *WordCount, c *bind.Call) (any, error) {
			var word string
			if err := c.Unpack("word", &word); err != nil {
				return nil, err
			}
			return w.words[strings.ToLower(word)], nil
		},
		"words": func(w *WordCount, _ *bind.Call) (any, error) {
			return slices.Sorted(maps.Keys(w.words)), nil
		},
	},
}

func (w *WordCount) add(c *bind.Call) (any, error) {
	var text string
	if err := c.Unpack("text", &text); err != nil {
		return nil, err
	}
	w.Add(text)
	return nil, nil
}
