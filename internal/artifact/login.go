package artifact

import (
	"net/url"
	"slices"
	"strings"
	"sync"
)

// secret is a pair of credentials and the place they are for.
type secret struct {
	origin         string // scheme://host:port
	path           string // of the index: one server may have many, each with its own credentials
	user, password string
	from           string                 // what has them, for messages
	ask            func() (string, error) // for the password, where only the user is known; nil asks nobody
}

// addLogin keeps the credentials in a URL, which it takes out of it. What is no secret stays as it is.
func (o *IndexOptions) addLogin(from string, u *url.URL) {
	if u.User == nil {
		return
	}
	password, _ := u.User.Password()
	user := u.User.Username()
	u.User = nil
	o.keep(u, login{user: user, password: password, from: from})
}

// keep remembers a login for an index. One without a password may be a token, or have the password in a keyring.
func (o *IndexOptions) keep(u *url.URL, l login) {
	s := secret{origin: origin(u), path: u.Path, user: l.user, password: l.password, from: l.from}
	if l.password == "" && l.user != "" {
		services := l.services
		if o.subprocess {
			services = append(services, u.String(), u.Host)
		}
		if len(services) > 0 && o.keyring != nil {
			s.from += " and keyring"
			s.ask = sync.OnceValues(func() (string, error) { return o.keyring(services, l.user) })
		}
	}
	o.secrets = append(o.secrets, s)
}

// Auth returns the credentials for a URL: those given with an index of the same scheme, host and port, else netrc's. Of
// several indexes of one server, the one counts whose address has the most in common with the URL.
func (o IndexOptions) Auth(u *url.URL) (user, password string, ok bool) {
	s := o.secretFor(u)
	if s == nil {
		return o.netrc.Auth(u)
	}
	if s.password != "" {
		return s.user, s.password, true
	}
	if login, password, ok := o.netrc.Machine(u.Hostname()); ok && login == s.user {
		return login, password, true
	}
	if s.ask != nil {
		// An answer that fails leaves the user alone, and the server says what it wants; see Denied.
		password, _ = s.ask()
	}
	return s.user, password, true
}

// secretFor returns the credentials that were given for a URL, nil where none were.
func (o IndexOptions) secretFor(u *url.URL) *secret {
	// Exact to scheme and port, so that an index reached by https never has its password sent in the clear.
	var best *secret
	common := -1
	for i := range o.secrets {
		s := &o.secrets[i]
		if s.origin != origin(u) {
			continue
		}
		if n := commonSegments(s.path, u.Path); n > common {
			best, common = s, n
		}
	}
	return best
}

// commonSegments counts the names that two paths begin with.
func commonSegments(a, b string) (n int) {
	as, bs := strings.Split(strings.Trim(a, "/"), "/"), strings.Split(strings.Trim(b, "/"), "/")
	for n < len(as) && n < len(bs) && as[n] == bs[n] {
		n++
	}
	return n
}

// Denied says where credentials for a server were looked for, after it answered that they are not enough. It never
// says what they are, and nothing of servers that are no index.
func (o IndexOptions) Denied(u *url.URL) string {
	if s := o.secretFor(u); s != nil {
		if s.ask != nil {
			if _, err := s.ask(); err != nil {
				return "the user for " + u.Host + " is from " + s.from + ", and no password was found: " + err.Error()
			}
		}
		return "the credentials that " + u.Host + " does not accept are from " + s.from
	}
	looked, known := []string{"its URL", "netrc"}, false
	for _, n := range o.names {
		if n.origin == origin(u) {
			looked, known = append(looked, loginPlaces(n.label)...), true
		}
	}
	for _, index := range slices.Concat(o.Indexes(), o.also) {
		if at, err := url.Parse(index); err == nil && origin(at) == origin(u) {
			known = true
		}
	}
	if !known { // a mirror of Debian has other places
		return ""
	}
	if _, _, ok := o.netrc.Auth(u); ok {
		return "the credentials that " + u.Host + " does not accept are from netrc"
	}
	last := len(looked) - 1
	return "no credentials for " + u.Host + " were found in " + strings.Join(looked[:last], ", ") + " and " + looked[last]
}

// origin is what credentials are for.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}
