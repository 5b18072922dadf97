package client_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/batch-inquiries/batch-inquiries/client"
)

// respondPage answers pages of n numbered items.
func respondPage(w http.ResponseWriter, r *http.Request, array, id string, n int) {
	var limit, from int
	fmt.Sscan(r.URL.Query().Get("limit"), &limit)
	fmt.Sscan(r.URL.Query().Get("cursor"), &from)
	var items []string
	for i := from; i < min(from+limit, n); i++ {
		items = append(items, fmt.Sprintf(`{%q:"%d"}`, id, i))
	}
	next := "null"
	if from+limit < n {
		next = fmt.Sprintf(`"%d"`, from+limit)
	}
	respond(w, http.StatusOK, fmt.Sprintf(`{%q:[%s],"total":%d,"nextCursor":%s}`, array, strings.Join(items, ","), n, next))
}

func TestPages(t *testing.T) {
	t.Parallel()

	t.Run("reads a list page by page", func(t *testing.T) {
		t.Parallel()
		for total, pages := range map[int]int{0: 1, 1: 1, 100: 1, 101: 2, 1234: 13} {
			requests := 0
			c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
				requests++
				respondPage(w, r, "inquiries", "inquiryId", total)
			})
			all := c.Inquiries(t.Context(), batchID, client.InquiryFilter{})
			for range 2 { // a second loop starts from the first page
				got := 0
				for i, err := range all {
					if err != nil || i.InquiryID != fmt.Sprint(got) {
						t.Fatalf("inquiry %d of %d: %v, %v", got, total, i, err)
					}
					got++
				}
				if got != total {
					t.Errorf("the loop saw %d of %d inquiries", got, total)
				}
			}
			if requests != 2*pages {
				t.Errorf("two loops over %d inquiries sent %d requests, want %d", total, requests, 2*pages)
			}
		}
	})

	t.Run("a loop that stops early requests no further page", func(t *testing.T) {
		t.Parallel()
		requests := 0
		c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
			requests++
			respondPage(w, r, "batches", "batchId", 5000)
		})
		for b, err := range c.Batches(t.Context(), client.BatchFilter{PageSize: 20}) {
			if err != nil || b.BatchID == "20" {
				break
			}
		}
		if requests != 2 {
			t.Errorf("the client sent %d requests, want 2", requests)
		}
	})

	// A filtered page can be empty even if more pages follow.
	t.Run("continues after an empty page", func(t *testing.T) {
		t.Parallel()
		var requests []string
		c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
			requests = append(requests, r.URL.RawQuery)
			if len(requests) < 3 {
				respond(w, 200, fmt.Sprintf(`{"batches":[],"nextCursor":"c%d"}`, len(requests)))
				return
			}
			respond(w, 200, `{"batches":[{"batchId":"b"}],"nextCursor":null}`)
		})
		n := 0
		filter := client.BatchFilter{Status: client.BatchFailed, NamePrefix: "nov", CreatedFrom: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
		for b, err := range c.Batches(t.Context(), filter) {
			if err != nil || b.BatchID != "b" {
				t.Fatal(b, err)
			}
			n++
		}
		if n != 1 {
			t.Errorf("the loop saw %d batches, want 1", n)
		}
		if len(requests) != 3 || requests[2] != "createdFrom=2026-11-01T00%3A00%3A00Z&cursor=c2&limit=100&namePrefix=nov&status=FAILED" {
			t.Errorf("the queries were %q", requests)
		}
	})

	t.Run("an error ends the loop", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Has("cursor") {
				respond(w, 404, problemBody("not-found"))
				return
			}
			respondPage(w, r, "inquiries", "inquiryId", 5000)
		})
		var last error
		n := 0
		for _, err := range c.Inquiries(t.Context(), batchID, client.InquiryFilter{Status: client.InquiryFailed}) {
			last = err
			n++
		}
		if n != 101 {
			t.Errorf("the loop saw %d pairs, want a page of 100 and the error", n)
		}
		if !client.IsKind(last, client.KindNotFound) {
			t.Errorf("the last error is %v", last)
		}
	})
}
