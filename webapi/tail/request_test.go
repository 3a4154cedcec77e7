package tail

import "testing"

func TestRedactURL(t *testing.T) {
	for in, want := range map[string]string{
		"":                          "",
		"https://example.com/a?b=c": "https://example.com/a?b=c",
		"http://x/0123456789abcdef0123456789ABCDEF/":         "http://x/REDACTED/",
		"http://x/0123-4567_89ab+cdef0123456789abcdef?q":     "http://x/REDACTED?q",
		"http://x/0123456789abcdef0123456789abcde":           "http://x/0123456789abcdef0123456789abcde",
		"http://x/0123456789abcdef0123456789abcdeg0":         "http://x/0123456789abcdef0123456789abcdeg0",
		"http://x/?id=aB1cD2eFgHiJkLmNoPqRs":                 "http://x/?id=REDACTED",
		"http://x/?id=aB1cD2eFgHiJkLmNoPqR":                  "http://x/?id=aB1cD2eFgHiJkLmNoPqR",
		"http://x/?card=4111111111111111&n=4111111111111112": "http://x/?card=REDACTED&n=4111111111111112",
		"http://x/?card=4111-1111-1111-1111":                 "http://x/?card=REDACTED",
		"http://x/%C3%A90123456789abcdef0123456789abcdef":    "http://x/%C3%REDACTED",
		"http://ü/0123456789abcdef0123456789abcdef":          "http://ü/REDACTED",
	} {
		if got := RedactURL(in); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", in, got, want)
		}
	}
}

func TestSecretHeaders(t *testing.T) {
	for name, want := range map[string]bool{
		"cookie": true, "set-cookie": true, "cookies": false, "authorization": true, "x-author": true, "my-jwt": true,
		"x-api-key": true, "secretly": true, "csrf-token": true, "accept": false, "": false,
	} {
		if isSecret(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}
