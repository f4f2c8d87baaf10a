package version

import "strings"

// Contains reports whether v fulfils the condition. Pre-releases count as any version.
func (s Specifier) Contains(v Version) bool {
	switch s.operator {
	case "===":
		return strings.EqualFold(s.text, v.String())
	case "==":
		return s.equal(v)
	case "!=":
		return !s.equal(v)
	case "~=":
		return s.compatible(v)
	case ">=":
		return v.Compare(s.version) >= 0
	case "<=":
		return v.public().Compare(s.version) <= 0 // a local version of V counts as V
	case "<":
		return s.less(v)
	case ">":
		return s.greater(v)
	}
	return false
}

// equal is "==": a wildcard matches every version that begins so, and a version without a label matches any label.
func (s Specifier) equal(v Version) bool {
	if s.wildcard {
		return s.family(v, s.version.release)
	}
	if s.version.local == "" {
		v = v.public()
	}
	return v.Compare(s.version) == 0
}

// compatible is "~=": at least V, and all but the last number the same.
func (s Specifier) compatible(v Version) bool {
	return v.Compare(s.version) >= 0 && s.family(v, s.version.release[:len(s.version.release)-1])
}

// family reports whether v has the epoch of s and a release that begins with these numbers, pre-releases included.
func (s Specifier) family(v Version, prefix []int) bool {
	if v.epoch != s.version.epoch {
		return false
	}
	for i, n := range prefix {
		if v.part(i) != n {
			return false
		}
	}
	return true
}

// less is "<": it leaves out the pre-releases of V itself, unless V is one.
func (s Specifier) less(v Version) bool {
	bound := s.version
	if !bound.IsPrerelease() {
		bound.dev, bound.hasDev = 0, true
	}
	return v.Compare(bound) < 0
}

// greater is ">": it leaves out the local versions of V and, unless V is one or a development release, the
// post-releases of V.
func (s Specifier) greater(v Version) bool {
	v = v.public()
	if v.Compare(s.version) <= 0 {
		return false
	}
	bound := s.version
	switch {
	case bound.hasDev:
		return true
	case bound.hasPost: // V.post2.dev0 is the first after V.post1
		return v.post > bound.post || v.phase != bound.phase || v.pre != bound.pre || v.outside(bound)
	}
	return v.phase != bound.phase || v.pre != bound.pre || v.outside(bound)
}

// outside reports whether v and w differ in epoch or release.
func (v Version) outside(w Version) bool {
	return v.epoch != w.epoch || v.compareRelease(w) != 0
}
