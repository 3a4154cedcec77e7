package httpserver_test

import (
	"strings"
	"testing"

	"workerd.local/httpserver"
)

func TestTheMostSpecificRouteWins(t *testing.T) {
	var list []httpserver.Route
	for _, p := range []string{
		"*/*", "*.example.com/*", "*example.com/*", "example.com/*", "example.com/api/*", "example.com/api/v1*",
		"example.com/api/v1/exact", "https://scheme.example.com/*", "Upper.Example.COM/Path", "whole.example.com", "*/only/path",
	} {
		list = append(list, httpserver.Route{Pattern: p, Service: text(p)})
	}
	routes, err := httpserver.NewRoutes(list)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ host, path, want string }{
		{"example.com", "/", "example.com/*"},
		{"example.com", "/api", "example.com/*"},
		{"example.com", "/api/", "example.com/api/*"},
		{"example.com:8080", "/api/v1", "example.com/api/v1*"},
		{"example.com", "/api/v12", "example.com/api/v1*"},
		{"example.com", "/api/v1/exact", "example.com/api/v1/exact"},
		{"example.com", "/api/v1/exact/", "example.com/api/v1*"},
		{"example.com", "/api%2Fv1", "example.com/*"},
		{"EXAMPLE.com", "/API/v1", "example.com/*"},
		{"a.example.com", "/", "*.example.com/*"},
		{"a.b.example.com", "/", "*.example.com/*"},
		{"notexample.com", "/", "*example.com/*"},
		{"scheme.example.com", "/x", "https://scheme.example.com/*"},
		{"upper.example.com", "/Path", "Upper.Example.COM/Path"},
		{"upper.example.com", "/path", "*.example.com/*"},
		{"whole.example.com", "/any/path", "whole.example.com"},
		{"other.test", "/only/path", "*/only/path"},
		{"other.test", "/", "*/*"},
		{"[::1]:80", "/", "*/*"},
		{"", "*", ""},
	} {
		svc := routes.Match(c.host, c.path)
		got := ""
		if svc != nil {
			resp, err := svc.Fetch(t.Context(), newRequest())
			if err != nil {
				t.Fatal(err)
			}
			got = string(resp.Body.Bytes)
		}
		if got != c.want {
			t.Errorf("%s%s went to %q, want %q", c.host, c.path, got, c.want)
		}
	}
}

func TestBadRoutesAreRefused(t *testing.T) {
	for pattern, want := range map[string]string{
		"":                   "has no host",
		"/path":              "has no host",
		"https:///path":      "has no host",
		"exa*mple.com/":      "at the beginning of the host",
		"a.*/x":              "at the beginning of the host",
		"**/x":               "at the beginning of the host",
		"example.com/*/x":    "end of the path",
		"example.com/**":     "end of the path",
		"example.com:8080/*": "without port",
		"example.com/a?b=*":  "query",
		"example.com/a#frag": "fragment",
	} {
		_, err := httpserver.NewRoutes([]httpserver.Route{{Pattern: pattern}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", pattern, err, want)
		}
	}
}
