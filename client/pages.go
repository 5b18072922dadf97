package client

import (
	"cmp"
	"iter"
	"maps"
	"net/url"
	"strconv"
)

const (
	// MaxPageSize is the largest PageSize that the API accepts.
	MaxPageSize = 500

	// DefaultPageSize is the page size if a filter does not set one.
	DefaultPageSize = 100
)

// pages iterates over a list that the API sends in pages. It follows the cursors,
// so that it neither skips nor repeats an item while the list grows. A page can be
// empty without being the last one. fetch returns one page and the cursor of the next.
func pages[T any](filter url.Values, size int, fetch func(url.Values) ([]T, string, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		query := maps.Clone(filter)
		query.Set("limit", strconv.Itoa(cmp.Or(size, DefaultPageSize)))
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

// setNonEmpty sets a query parameter unless its value is empty.
func setNonEmpty(query url.Values, name, value string) {
	if value != "" {
		query.Set(name, value)
	}
}
