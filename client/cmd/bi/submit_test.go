package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestSubmit(t *testing.T) {
	t.Parallel()

	t.Run("prints the id of the batch", func(t *testing.T) {
		t.Parallel()
		var body string
		l := newLab(t, map[string]http.HandlerFunc{"POST " + batches: func(w http.ResponseWriter, r *http.Request) {
			data, _ := io.ReadAll(r.Body)
			body = string(data)
			io.WriteString(w, `{"batchId":"`+batchID+`","batchName":"November","total":2,"accepted":2}`)
		}})
		path := file(t, "loans.csv", loans)
		code := l.bi(t, "submit", path, "--name", "November", "--skip-invalid")
		l.expect(t, code, exitCompleted, "Accepted 2 inquiries", "bi watch "+batchID)
		if l.out.String() != batchID+"\n" {
			t.Errorf("stdout is %q, want only the batch's id", l.out.String())
		}
		if want := `{"inquiries":[{"businessName":"Kylderon","ein":"470555102","externalId":"LOAN-1"},{"businessName":"Sablefin","ein":"12","externalId":"LOAN-2"}],"name":"November","onInvalid":"skip"}`; body != want {
			t.Errorf("bi sent %s, want %s", body, want)
		}
	})

	t.Run("shows errors with the row numbers of the spreadsheet", func(t *testing.T) {
		t.Parallel()
		fault := `{"pointer":"/inquiries/1/ein","index":1,"externalId":"LOAN-2","code":"pattern","message":"must be nine digits"}`
		l := newLab(t, map[string]http.HandlerFunc{"POST " + batches: func(w http.ResponseWriter, r *http.Request) {
			data, _ := io.ReadAll(r.Body)
			switch {
			case strings.Contains(string(data), "validateOnly"):
				respond(200, `{"validateOnly":true,"valid":false,"total":2,"rejected":1,"limits":{"batchMax":250},"errors":[`+fault+`],"duplicates":[{"index":1,"duplicateOf":0,"by":"ein"}]}`)(w, r)
			case strings.Contains(string(data), "onInvalid"):
				respond(200, `{"batchId":"`+batchID+`","total":2,"accepted":1,"rejected":1,"errors":[`+fault+`]}`)(w, r)
			default:
				respond(422, `{"type":"/v1/docs#problem-validation","title":"No","detail":"Nothing was stored.","errors":[`+fault+`]}`)(w, r)
			}
		}})
		path := file(t, "loans.csv", loans)
		place := "row 4, column ein (LOAN-2): must be nine digits"

		l.expect(t, l.bi(t, "submit", path), exitError, "loans.csv and stored nothing", place)
		l.expect(t, l.bi(t, "submit", path, "--skip-invalid"), exitCompleted, "1 of 2 inquiries are invalid", place, batchID)
		l.expect(t, l.bi(t, "submit", path, "--dry-run"), exitError, place, "would be rejected", "row 4 seems to be the same business as row 2 (same ein)")
	})

	// Whether or not the first run succeeded, the command that bi prints submits only once.
	t.Run("prints a command that does not submit twice", func(t *testing.T) {
		t.Parallel()
		keys, lost := map[string]int{}, 6
		l := newLab(t, map[string]http.HandlerFunc{"POST " + batches: func(w http.ResponseWriter, r *http.Request) {
			keys[r.Header.Get("Idempotency-Key")]++
			if keys[r.Header.Get("Idempotency-Key")] < lost {
				panic(http.ErrAbortHandler)
			}
			w.Header().Set("Idempotent-Replayed", "true")
			io.WriteString(w, `{"batchId":"`+batchID+`","total":2,"accepted":2}`)
		}})
		path := file(t, "no'vember loans.csv", loans)
		l.expect(t, l.bi(t, "submit", path), exitError, "It is not known", `no'\''vember loans.csv' --idempotency-key `)
		_, key, _ := strings.Cut(strings.TrimSpace(l.errOut.String()), "--idempotency-key ")
		// Other flags make another request, so the printed command has them too.
		l.expect(t, l.bi(t, "submit", path, "--skip-invalid", "--name", "Lost one", "--api-key", "vd__k1_secret"), exitError,
			`loans.csv' --api-key … --name 'Lost one' --skip-invalid=true --idempotency-key `)
		if strings.Contains(l.errOut.String(), "secret") {
			t.Errorf("the output contains a key: %s", &l.errOut)
		}
		lost = 2
		l.expect(t, l.bi(t, "submit", path, "--idempotency-key", key), exitCompleted, batchID, "This is the same batch")
		l.expect(t, l.bi(t, "submit", path), exitCompleted, batchID)
		if strings.Contains(l.errOut.String(), "same key") {
			t.Errorf("bi mentions a key that the user did not set: %s", &l.errOut)
		}
	})
}
