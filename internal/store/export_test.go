package store

import "time"

// UseStep sets how exact times of use are, so that tests need not wait for hours.
func (s *Store) UseStep(d time.Duration) *Store {
	s.step = d
	return s
}
