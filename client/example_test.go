package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/batch-inquiries/batch-inquiries/client"
)

// Submit a batch, wait until it is final, and read its inquiries.
func Example() {
	ctx := context.Background()
	c, stop := exampleClient() // your program: client.New(os.Getenv("BI_URL"), os.Getenv("BI_API_KEY"))
	defer stop()

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

// A job that may run again after a crash gives its submission a key, so that it
// creates only one batch.
func ExampleClient_Submit_idempotencyKey() {
	c, stop := exampleClient()
	defer stop()

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

// When the API rejects a submission, the error lists everything that is wrong with
// it. Other errors come from the connection.
func ExampleClient_Submit_rejected() {
	c, stop := exampleClient()
	defer stop()

	_, err := c.Submit(context.Background(), client.Submission{
		Name:      "November renewals",
		Inquiries: []client.InquiryInput{{BusinessName: "Kylderon", EIN: "12", ExternalID: "LOAN-1001"}},
	})
	problem, ok := errors.AsType[*client.Problem](err)
	switch {
	case err == nil:
		fmt.Println("submitted")
	case !ok:
		fmt.Println("the API cannot be reached:", err)
	case problem.Kind() == client.KindTooManyOpen:
		fmt.Println("there will be room in about", problem.RetryAfter)
	case problem.Kind() == client.KindValidation:
		fmt.Println(problem.Kind(), problem.Status)
		for _, fault := range problem.Errors {
			fmt.Printf("inquiry %d (%s): %s %s\n", *fault.Index, fault.ExternalID, fault.Pointer, fault.Message)
		}
	default:
		fmt.Println(problem)
	}
	// Output:
	// validation 422
	// inquiry 0 (LOAN-1001): /inquiries/0/ein must be nine digits
}

// A dry run reports what is wrong without storing anything.
func ExampleClient_Validate() {
	c, stop := exampleClient()
	defer stop()

	checked, err := c.Validate(context.Background(), client.Submission{
		Name: "November renewals",
		Inquiries: []client.InquiryInput{
			{BusinessName: "Kylderon", EIN: "12", ExternalID: "LOAN-1001"},
			{BusinessName: "Sablefin Harbor Inc", ExternalID: "LOAN-1002"},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("valid:", checked.Valid, "rejected:", checked.Rejected, "of", checked.Total)
	for _, fault := range checked.Errors {
		fmt.Println(fault)
	}
	// Output:
	// valid: false rejected: 1 of 2
	// /inquiries/0/ein (LOAN-1001): must be nine digits
}

// A batch's id is all you need to wait for the batch, even from another process. If
// your time is up first, the batch continues.
func ExampleClient_Wait() {
	c, stop := exampleClient()
	defer stop()

	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	batch, err := c.Wait(ctx, "019ab0c2-f6a0-7bd3-9d5e-3c4b8a2f0000")
	if errors.Is(err, context.DeadlineExceeded) {
		fmt.Println("not finished yet")
		return
	}
	if err != nil {
		log.Fatal(err)
	}
	if batch.Status != client.BatchCompleted {
		fmt.Println(batch.Status+":", batch.StatusReason)
	}
	// Output: PARTIAL_SUCCESS: 1 report lacks a source.
}

// Watch returns the current state of a batch and then each change.
func ExampleClient_Watch() {
	c, stop := exampleClient()
	defer stop()

	for batch, err := range c.Watch(context.Background(), "019ab0c2-f6a0-7bd3-9d5e-3c4b8a300000") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %d of %d\n", batch.Status, batch.Settled(), batch.Total)
	}
	// Output:
	// RUNNING: 1 of 2
	// PARTIAL_SUCCESS: 2 of 2
}

// List the failed batches of November, newest first. The client requests more pages
// as the loop advances.
func ExampleClient_Batches() {
	c, stop := exampleClient()
	defer stop()

	filter := client.BatchFilter{
		Status:      client.BatchFailed,
		NamePrefix:  "november",
		CreatedFrom: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
		CreatedTo:   time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC),
	}
	for batch, err := range c.Batches(context.Background(), filter) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(batch.BatchID, batch.BatchName, batch.Failed, "failed")
	}
	// Output: 019ab0c2-f6a0-7bd3-9d5e-3c4b8a2f0000 November renewals 2 failed
}

// List the inquiries of a batch whose report lacks a source.
func ExampleClient_Inquiries() {
	c, stop := exampleClient()
	defer stop()

	filter := client.InquiryFilter{Status: client.InquiryPartialSuccess}
	for inquiry, err := range c.Inquiries(context.Background(), "019ab0c2-f6a0-7bd3-9d5e-3c4b8a2f0000", filter) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(inquiry.ExternalID, inquiry.Sources)
	}
	// Output: LOAN-1002 map[ofac:UNAVAILABLE]
}

// Read the report of one inquiry.
func ExampleClient_Inquiry() {
	c, stop := exampleClient()
	defer stop()

	inquiry, err := c.Inquiry(context.Background(), "019ab0c2-f6a0-7bd3-9d5e-3c4b8a2f0001")
	if err != nil {
		log.Fatal(err)
	}
	if inquiry.Report == nil {
		fmt.Println("not final yet:", inquiry.Status)
		return
	}
	fmt.Println(inquiry.Report.Coverage.Answered, "of", inquiry.Report.Coverage.Applicable, "sources answered")
	for _, fact := range inquiry.Report.Facts {
		fmt.Println(fact.Name, "=", fact.Value)
	}
	for _, note := range inquiry.Report.Notes {
		fmt.Println(note)
	}
	// Output:
	// 1 of 1 sources answered
	// sanctions.list = OFAC SDN
	// sanctions.strong_match = true
	// OFAC SDN: strong match on list dated 2026-11-02; a person has to confirm it.
}

// Save all results of a batch as CSV.
func ExampleClient_Results() {
	c, stop := exampleClient()
	defer stop()

	results, err := c.Results(context.Background(), "019ab0c2-f6a0-7bd3-9d5e-3c4b8a2f0000", client.ResultsQuery{Format: client.CSV})
	if err != nil {
		log.Fatal(err)
	}
	defer results.Close()
	if _, err := io.Copy(os.Stdout, results); err != nil { // your program: copy to a file
		log.Fatal(err)
	}
	fmt.Println("complete:", results.Complete)
	// Output:
	// index,externalId,status
	// 0,LOAN-1001,COMPLETED
	// 1,LOAN-1002,PARTIAL_SUCCESS
	// complete: true
}

// Read all results of a batch with their reports, one at a time.
func ExampleClient_Results_reports() {
	c, stop := exampleClient()
	defer stop()

	results, err := c.Results(context.Background(), "019ab0c2-f6a0-7bd3-9d5e-3c4b8a2f0000", client.ResultsQuery{})
	if err != nil {
		log.Fatal(err)
	}
	defer results.Close()
	for lines := json.NewDecoder(results); ; {
		var inquiry client.Inquiry
		if err := lines.Decode(&inquiry); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			log.Fatal(err) // for example, the connection was cut
		}
		if inquiry.Report == nil {
			continue // the last line, which has only the member end
		}
		fmt.Println(inquiry.ExternalID, inquiry.Status, inquiry.Report.Notes)
	}
	// Output:
	// LOAN-1001 COMPLETED [OFAC SDN: no match.]
	// LOAN-1002 PARTIAL_SUCCESS []
}

// Rerun the inquiries that lack a complete report, and wait for the new batch as for
// any other.
func ExampleClient_Rerun() {
	c, stop := exampleClient()
	defer stop()

	rerun, err := c.Rerun(context.Background(), "019ab0c2-f6a0-7bd3-9d5e-3c4b8a2f0000", client.Rerun{Scope: client.RerunUnsuccessful})
	if client.IsKind(err, client.KindNothingToRerun) {
		fmt.Println("every inquiry has a complete report")
		return
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("new batch", rerun.BatchID, "with", rerun.Accepted, "inquiry")
	// Output: new batch 019ab0c2-f6a0-7bd3-9d5e-3c4b8a300000 with 1 inquiry
}

// Test a credential before relying on it.
func ExampleClient_Me() {
	c, stop := exampleClient()
	defer stop()

	me, err := c.Me(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s of %s, at most %d inquiries per batch\n", me.Role, me.Lender.Name, me.Limits.BatchMax)
	// Output: member of North Lending, at most 250 inquiries per batch
}

// Rotate the API key: store the new key, then continue with a new client.
func ExampleClient_RotateAPIKey() {
	ctx := context.Background()
	c, stop := exampleClient()
	defer stop()

	key, err := c.RotateAPIKey(ctx)
	if err != nil {
		log.Fatal(err)
	}
	// Store the key now: this client's own key stops working within minutes.
	c, err = client.New(c.BaseURL(), key)
	if err != nil {
		log.Fatal(err)
	}
	me, err := c.Me(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the new key belongs to", me.UserID)
	// Output: the new key belongs to u-1
}
