package match

import "context"

// Steps returns the number of words, names and pairs of words that a search looks at.
// It measures the cost of a search and does not depend on the machine.
func (x *Index) Steps(query Name, minScore float64) int {
	s := newSearch(len(x.words), len(x.names))
	s.reset(query)
	if err := x.addGains(context.Background(), s, minScore); err != nil {
		panic(err)
	}
	if _, err := x.compare(context.Background(), s, minScore); err != nil {
		panic(err)
	}
	_, contained := x.contained(query)
	return s.steps + contained
}
