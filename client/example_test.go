package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/batch-inquiries/batch-inquiries/client"
)

// exampleURL is the address of an exampleAPI, for as long as the example runs.
func exampleURL() string { return httptest.NewServer(exampleAPI()).URL }

// exampleAPI stands in for the API in examples: a batch of two that is finished
// as soon as it is submitted.
func exampleAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/batch-inquiries", func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); strings.Contains(string(body), `"ein":"12"`) {
			say(w, 422, `{"type":"/v1/docs#problem-validation","title":"The request breaks the rules","detail":"Nothing was stored.","errors":[{"pointer":"/inquiries/0/ein","externalId":"LOAN-1001","code":"pattern","message":"must be nine digits"}]}`)
			return
		}
		say(w, 200, `{"batchId":"019ab0c2-f6a0-7bd3-9d5e-3c4b8a2f0000","batchName":"November renewals","total":2,"accepted":2}`)
	})
	mux.HandleFunc("GET /v1/batch-inquiries/{id}", func(w http.ResponseWriter, _ *http.Request) {
		say(w, 200, `{"batchId":"019ab0c2-f6a0-7bd3-9d5e-3c4b8a2f0000","status":"PARTIAL_SUCCESS","isTerminal":true,"total":2,"completed":1,"partialSuccess":1}`)
	})
	mux.HandleFunc("GET /v1/batch-inquiries/{id}/inquiries", func(w http.ResponseWriter, _ *http.Request) {
		say(w, 200, `{"inquiries":[{"externalId":"LOAN-1001","status":"COMPLETED","sourceRecordCount":1},{"externalId":"LOAN-1002","status":"PARTIAL_SUCCESS"}],"nextCursor":null}`)
	})
	return mux
}

// The whole way of a batch: submit it, wait for its end, read what came of it.
func Example() {
	ctx := context.Background()
	c, err := client.New(exampleURL(), "vd__your_key")
	if err != nil {
		log.Fatal(err)
	}
	accepted, err := c.Submit(ctx, client.Submission{
		Name: "November renewals",
		Inquiries: []client.InquiryInput{
			{BusinessName: "Kylderon Mist Valley LLC", EIN: "47-0555102", ExternalID: "LOAN-1001"},
			{BusinessName: "Sablefin Harbor Inc", ExternalID: "LOAN-1002"},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	batch, err := c.Wait(ctx, accepted.BatchID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(batch.Status, batch.Settled(), "of", batch.Total)
	for inquiry, err := range c.Inquiries(ctx, accepted.BatchID, client.InquiryFilter{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(inquiry.ExternalID, inquiry.Status, inquiry.SourceRecordCount)
	}
	// Output:
	// PARTIAL_SUCCESS 2 of 2
	// LOAN-1001 COMPLETED 1
	// LOAN-1002 PARTIAL_SUCCESS 0
}

// A refusal lists everything that is wrong, each at its place in the request.
func ExampleProblem() {
	c, err := client.New(exampleURL(), "vd__your_key")
	if err != nil {
		log.Fatal(err)
	}
	_, err = c.Submit(context.Background(), client.Submission{
		Name:      "November renewals",
		Inquiries: []client.InquiryInput{{BusinessName: "Kylderon", EIN: "12", ExternalID: "LOAN-1001"}},
	})
	if problem, ok := errors.AsType[*client.Problem](err); ok {
		fmt.Println(problem.Kind(), problem.Status)
		for _, fault := range problem.Errors {
			fmt.Println(fault.ExternalID, fault.Pointer, fault.Message)
		}
	}
	// Output:
	// validation 422
	// LOAN-1001 /inquiries/0/ein must be nine digits
}

// A job that may be started again after a crash names its submission, so that
// the batch is made once.
func ExampleClient_Submit_once() {
	c, err := client.New(exampleURL(), "vd__your_key")
	if err != nil {
		log.Fatal(err)
	}
	accepted, err := c.Submit(context.Background(), client.Submission{
		Name:           "November renewals",
		Inquiries:      []client.InquiryInput{{BusinessName: "Kylderon Mist Valley LLC"}},
		IdempotencyKey: "renewals-2026-11",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(accepted.BatchID)
	// Output: 019ab0c2-f6a0-7bd3-9d5e-3c4b8a2f0000
}

// Watch sees a batch come along.
func ExampleClient_Watch() {
	c, err := client.New(exampleURL(), "vd__your_key")
	if err != nil {
		log.Fatal(err)
	}
	for batch, err := range c.Watch(context.Background(), "019ab0c2-f6a0-7bd3-9d5e-3c4b8a2f0000") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %d of %d\n", batch.Status, batch.Settled(), batch.Total)
	}
	// Output: PARTIAL_SUCCESS: 2 of 2
}
