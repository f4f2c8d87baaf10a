package registry

import (
	"net/http"
	"strings"
)

// maxChallenge is in bytes of a header that says which credentials are wanted.
const maxChallenge = 4 << 10

// challenge is what a registry wants to see before it answers.
type challenge struct {
	scheme         string // "bearer", "basic", or "" for nothing
	realm, service string
	scope          string
}

// parseChallenge reads WWW-Authenticate (RFC 9110 §11.6.1): Bearer where it is offered, else Basic.
func parseChallenge(header http.Header) (best challenge) {
	for _, line := range header.Values("WWW-Authenticate") {
		if len(line) > maxChallenge {
			continue
		}
		for _, c := range parseChallenges(line) {
			if c.scheme == "bearer" && c.realm != "" {
				return c
			}
			if c.scheme == "basic" {
				best = c
			}
		}
	}
	return best
}

// parseChallenges reads one line, which may hold several challenges.
func parseChallenges(line string) (all []challenge) {
	for rest := line; ; {
		rest = strings.TrimLeft(rest, " \t,")
		word := rest[:wordEnd(rest)]
		if word == "" {
			return all
		}
		rest = strings.TrimLeft(rest[len(word):], " \t")
		if !strings.HasPrefix(rest, "=") {
			all = append(all, challenge{scheme: strings.ToLower(word)})
			continue
		}
		var value string
		value, rest = parseValue(strings.TrimLeft(rest[1:], " \t"))
		if len(all) > 0 {
			all[len(all)-1].set(strings.ToLower(word), value)
		}
	}
}

func (c *challenge) set(key, value string) {
	switch key {
	case "realm":
		c.realm = value
	case "service":
		c.service = value
	case "scope":
		c.scope = value
	}
}

// wordEnd returns where a word ends that stands at the beginning.
func wordEnd(s string) int {
	if i := strings.IndexAny(s, " \t,=\""); i >= 0 {
		return i
	}
	return len(s)
}

// parseValue reads a quoted string or a word.
func parseValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, " \t,")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return b.String(), s[i+1:]
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}
