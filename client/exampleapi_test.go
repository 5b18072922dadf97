package client_test

import (
	"encoding/json"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"github.com/batch-inquiries/batch-inquiries/client"
)

// The batches of the example API. The first response about runningBatch says that it
// is still running.
const (
	finishedBatch = batchID
	runningBatch  = otherID
)

// exampleClient returns a client of a server that stands in for the API, and a
// function that stops the server.
func exampleClient() (c *client.Client, stop func()) {
	api := httptest.NewServer(exampleAPI())
	c, err := client.New(api.URL, "vd__your_key", client.WithPollInterval(time.Second/2))
	if err != nil {
		log.Fatal(err)
	}
	return c, api.Close
}

// exampleAPI stands in for the API: it knows one finished batch of two inquiries,
// and answers every submission with it.
func exampleAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/batch-inquiries", exampleSubmit)
	mux.HandleFunc("GET /v1/batch-inquiries", exampleList)
	mux.HandleFunc("GET /v1/batch-inquiries/{id}", exampleStatus())
	mux.HandleFunc("GET /v1/batch-inquiries/{id}/inquiries", exampleInquiries)
	mux.HandleFunc("GET /v1/batch-inquiries/{id}/results", exampleResults)
	for route, body := range map[string]string{
		"POST /v1/batch-inquiries/{id}/rerun": `{"batchId":"` + otherID + `","parentBatchId":"` + finishedBatch + `","total":1,"accepted":1}`,
		"GET /v1/inquiries/{id}": `{"inquiryId":"` + inquiryID + `","externalId":"LOAN-1001","status":"COMPLETED","report":{"status":"COMPLETED",
			"coverage":{"applicable":1,"answered":1},
			"facts":[{"name":"sanctions.list","value":"OFAC SDN"},{"name":"sanctions.strong_match","value":true}],
			"notes":["OFAC SDN: strong match on list dated 2026-11-02; a person has to confirm it."]}}`,
		"GET /v1/users/me":                 `{"userId":"u-1","role":"member","lender":{"lenderId":"north","name":"North Lending"},"limits":{"batchMax":250}}`,
		"POST /v1/users/me/api-key/rotate": `{"apiKey":"vd__new_key"}`,
	} {
		mux.HandleFunc(route, func(w http.ResponseWriter, _ *http.Request) { respond(w, http.StatusOK, body) })
	}
	return mux
}

func exampleSubmit(w http.ResponseWriter, r *http.Request) {
	var body struct {
		client.Submission
		ValidateOnly bool `json:"validateOnly"`
	}
	_ = json.NewDecoder(r.Body).Decode(&body)
	fault := ""
	for _, in := range body.Inquiries {
		if in.EIN == "12" {
			fault = `{"pointer":"/inquiries/0/ein","index":0,"externalId":"LOAN-1001","code":"pattern","message":"must be nine digits"}`
		}
	}
	switch {
	case body.ValidateOnly:
		respond(w, http.StatusOK, `{"valid":false,"total":2,"accepted":1,"rejected":1,"errors":[`+fault+`],"limits":{"batchMax":250}}`)
	case fault != "":
		respond(w, http.StatusUnprocessableEntity, `{"type":"/v1/docs#problem-validation","title":"The request breaks the rules","detail":"Nothing was stored.","errors":[`+fault+`]}`)
	default:
		respond(w, http.StatusOK, `{"batchId":"`+finishedBatch+`","batchName":"November renewals","total":2,"accepted":2}`)
	}
}

func exampleList(w http.ResponseWriter, r *http.Request) {
	if query := r.URL.Query(); query.Get("status") != "FAILED" || query.Get("namePrefix") != "november" {
		respond(w, http.StatusOK, `{"batches":[]}`)
		return
	}
	respond(w, http.StatusOK, `{"batches":[{"batchId":"`+finishedBatch+`","batchName":"November renewals","status":"FAILED","total":2,"failed":2}]}`)
}

func exampleStatus() http.HandlerFunc {
	var polled atomic.Bool
	return func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		if id == runningBatch && !polled.Swap(true) {
			respond(w, http.StatusOK, `{"batchId":"`+id+`","status":"RUNNING","total":2,"running":1,"completed":1}`)
			return
		}
		respond(w, http.StatusOK, `{"batchId":"`+id+`","status":"PARTIAL_SUCCESS","statusReason":"1 report lacks a source.","isTerminal":true,"total":2,"completed":1,"partialSuccess":1}`)
	}
}

func exampleInquiries(w http.ResponseWriter, r *http.Request) {
	rows := []string{
		`{"inquiryId":"` + inquiryID + `","externalId":"LOAN-1001","status":"COMPLETED","sourceRecordCount":1}`,
		`{"externalId":"LOAN-1002","status":"PARTIAL_SUCCESS","sources":{"ofac":"UNAVAILABLE"}}`,
	}
	if r.URL.Query().Get("status") == "PARTIAL_SUCCESS" {
		rows = rows[1:]
	}
	respond(w, http.StatusOK, `{"inquiries":[`+strings.Join(rows, ",")+`],"nextCursor":null}`)
}

func exampleResults(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", r.Header.Get("Accept"))
	w.Header().Set("Results-Complete", "true")
	w.Header().Set("Results-As-Of", "2026-11-23T17:00:00Z")
	body := `{"inquiryId":"` + inquiryID + `","externalId":"LOAN-1001","status":"COMPLETED","report":{"notes":["OFAC SDN: no match."]}}
{"externalId":"LOAN-1002","status":"PARTIAL_SUCCESS","report":{"notes":[]}}
{"end":{"rows":2,"complete":true}}
`
	if r.Header.Get("Accept") == string(client.CSV) {
		body = "index,externalId,status\n0,LOAN-1001,COMPLETED\n1,LOAN-1002,PARTIAL_SUCCESS\n"
	}
	_, _ = w.Write([]byte(body))
}
