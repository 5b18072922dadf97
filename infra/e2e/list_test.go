package e2e

import (
	"fmt"
	"net/http"
	"testing"
)

func TestLists(t *testing.T) {
	t.Parallel()

	t.Run("cursors and filters", func(t *testing.T) {
		t.Parallel()
		s := newUser(t, "", "member").key()
		var ids []string
		for _, name := range []string{"North 1", "South 1", "north 2"} {
			ids = append(ids, s.submit(t, businesses(name, 3)).BatchID)
		}
		for _, id := range ids {
			s.wait(t, id)
		}
		walk := func(query string) (found []string) {
			t.Helper()
			for cursor := ""; ; {
				var page struct {
					Batches    []batch
					NextCursor *string
				}
				s.page(t, "/v1/batch-inquiries/?limit=1"+query+cursor, &page)
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
				t.Errorf("query %q lists %v, want %v", query, got, want)
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
			t.Errorf("inquiries by external ID: %+v, want only index 2", rows)
		}
		s.get(t, path+"?status=COMPLETED&limit=2", http.StatusOK, &rows)
		if rows.Total != 3 || len(rows.Inquiries) != 2 || rows.NextCursor == nil {
			t.Fatalf("inquiries by status: %+v, want 2 of 3 and a cursor", rows)
		}
		s.get(t, path+"?status=COMPLETED&limit=2&cursor="+*rows.NextCursor, http.StatusOK, &rows)
		if len(rows.Inquiries) != 1 || rows.Inquiries[0].Index != 2 || rows.NextCursor != nil {
			t.Errorf("inquiries by status, next page: %+v, want only index 2 and no cursor", rows)
		}
	})

	t.Run("the path works with and without a final slash", func(t *testing.T) {
		t.Parallel()
		s := newUser(t, "", "member").key()
		var ids []string
		for i := range 3 {
			ids = append(ids, s.submit(t, businesses(fmt.Sprintf("Batch %d", i), 1)).BatchID)
		}
		for _, path := range []string{"/v1/batch-inquiries/", "/v1/batch-inquiries"} {
			var list struct {
				Batches              []batch
				Total, Limit, Offset int
			}
			s.get(t, path+"?limit=2&offset=1", http.StatusOK, &list)
			if list.Total != 3 || list.Limit != 2 || list.Offset != 1 {
				t.Errorf("%s: total %d, limit %d, offset %d, want 3, 2, 1", path, list.Total, list.Limit, list.Offset)
			}
			if len(list.Batches) != 2 || list.Batches[0].BatchID != ids[1] || list.Batches[1].BatchID != ids[0] {
				t.Errorf("%s lists %+v, want the second and the first of %v", path, list.Batches, ids)
			}
		}
	})
}
