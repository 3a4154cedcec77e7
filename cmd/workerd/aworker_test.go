package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The commands that the README shows are those that the story runs.
func TestReadmeShowsTheStoryOfWarmStarts(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	story, err := os.ReadFile("testdata/script/aworker_readme.txtar")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## Warm starts\n")
	_, block, _ := strings.Cut(section, "```sh\n")
	block, _, ok := strings.Cut(block, "```")
	if !ok || strings.Count(block, "\n") != 6 || !strings.Contains(string(story), block) {
		t.Fatalf("the story does not run these commands:\n%s", block)
	}
}

func TestLayersOfOptions(t *testing.T) {
	seed, err := parseAworker([]string{"--mode", "seed-userland", "--location=http://seed.example/", "--loop-latency-limit-ms", "5", "seed.js", "x"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	child, err := parseAworker([]string{"--location", "http://child.example/", "child.js", "--mode=normal"}, seed)
	if err != nil {
		t.Fatal(err)
	}
	if child.Mode != "seed-userland" || child.Location != "http://child.example/" || child.LatencyMS != 5 || !strings.HasSuffix(child.Script, "child.js") || !filepath.IsAbs(child.Script) || strings.Join(child.Args, " ") != "--mode=normal" {
		t.Fatalf("%+v", child)
	}
	if seed.Location != "http://seed.example/" || !strings.HasSuffix(seed.Script, "seed.js") {
		t.Fatalf("the seed's own changed: %+v", seed)
	}
}
