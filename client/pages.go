package client

import (
	"cmp"
	"iter"
	"maps"
	"net/url"
	"strconv"
)

// defaultPage is how much of a list is asked for at a time; the API gives 500 at
// the most.
const defaultPage = 100

// pages iterates over a list that the API gives in pages, along their cursors,
// so that nothing is skipped or repeated while the list grows. A page may be
// empty and not be the last. fetch returns one, and the next one's cursor.
func pages[T any](filter url.Values, size int, fetch func(url.Values) ([]T, string, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		query := maps.Clone(filter)
		query.Set("limit", strconv.Itoa(cmp.Or(size, defaultPage)))
		for {
			page, next, err := fetch(query)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page {
				if !yield(item, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			query.Set("cursor", next)
		}
	}
}

// set adds what a filter asks for; an empty value asks nothing.
func set(query url.Values, name, value string) {
	if value != "" {
		query.Set(name, value)
	}
}
