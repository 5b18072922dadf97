package e2e

import (
	"fmt"
	"net/http"
	"testing"
)

func TestListsAreWalkedAndFiltered(t *testing.T) {
	t.Parallel()
	s := newUser(t, "", "member").key()
	var ids []string
	for _, name := range []string{"North 1", "South 1", "north 2"} {
		ids = append(ids, s.submit(t, businesses(name, 3)).BatchID)
	}
	for _, id := range ids {
		s.follow(t, id)
	}
	walk := func(query string) (found []string) {
		t.Helper()
		for cursor := ""; ; {
			var page struct {
				Batches    []batch
				NextCursor *string
			}
			s.get(t, "/v1/batch-inquiries/?limit=1"+query+cursor, http.StatusOK, &page)
			for _, b := range page.Batches {
				found = append(found, b.BatchID)
			}
			if page.NextCursor == nil {
				return found
			}
			cursor = "&cursor=" + *page.NextCursor
		}
	}
	for query, want := range map[string][]string{
		"":                                {ids[2], ids[1], ids[0]},
		"&namePrefix=NORTH":               {ids[2], ids[0]},
		"&status=COMPLETED":               {ids[2], ids[1], ids[0]},
		"&status=FAILED":                  nil,
		"&createdTo=2020-01-01T00:00:00Z": nil,
	} {
		if got := walk(query); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q lists %v, want %v", query, got, want)
		}
	}
	var rows struct {
		Total      int
		Inquiries  []row
		NextCursor *string
	}
	path := "/v1/batch-inquiries/" + ids[0] + "/inquiries"
	s.get(t, path+"?externalId=LOAN-2", http.StatusOK, &rows)
	if rows.Total != 1 || len(rows.Inquiries) != 1 || rows.Inquiries[0].Index != 2 {
		t.Errorf("by external id: %+v", rows)
	}
	s.get(t, path+"?status=COMPLETED&limit=2", http.StatusOK, &rows)
	if rows.Total != 3 || len(rows.Inquiries) != 2 || rows.NextCursor == nil {
		t.Fatalf("by status: %+v", rows)
	}
	s.get(t, path+"?status=COMPLETED&limit=2&cursor="+*rows.NextCursor, http.StatusOK, &rows)
	if len(rows.Inquiries) != 1 || rows.Inquiries[0].Index != 2 || rows.NextCursor != nil {
		t.Errorf("by status, the next page: %+v", rows)
	}
}
