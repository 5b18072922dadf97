package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	sdk "github.com/batch-inquiries/batch-inquiries/client"
	"github.com/batch-inquiries/batch-inquiries/infra/local/engine"
)

// loseFirstReply loses the reply to the first request, after the API has processed
// it.
type loseFirstReply struct{ lost bool }

func (l *loseFirstReply) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(req)
	if l.lost || err != nil {
		return resp, err
	}
	l.lost = true
	resp.Body.Close()
	return nil, errors.New("connection reset by peer")
}

// The client calls every route, over a connection that loses the first reply.
func TestClient(t *testing.T) {
	t.Parallel()
	u := newUser(t, "", "member")
	c, err := sdk.New(stack.APIURL, u.apiKey, sdk.WithHTTPClient(&http.Client{Transport: &loseFirstReply{}}), sdk.WithLongPoll())
	if err != nil {
		t.Fatal(err)
	}
	const total = 105 // more than one page
	var in sdk.Submission
	if err := json.Unmarshal([]byte(businesses("Renewals", total)), &in); err != nil {
		t.Fatal(err)
	}
	accepted, err := c.Submit(t.Context(), in)
	if err != nil {
		t.Fatalf("submitting: %v", err)
	}
	if accepted.Total != total {
		t.Fatalf("accepted %d inquiries, want %d", accepted.Total, total)
	}
	if !accepted.Replayed {
		t.Fatal("the client did not retry after the lost reply: the response is not a replay")
	}
	done, err := c.Wait(t.Context(), accepted.BatchID)
	if err != nil {
		t.Fatalf("waiting for the batch: %v", err)
	}
	if done.Status != sdk.BatchCompleted || done.Settled() != total {
		t.Fatalf("the batch ended as %+v, want COMPLETED with %d inquiries", done, total)
	}
	if done.TimingSummary == nil {
		t.Fatal("the finished batch has no timing summary")
	}
	n, first := 0, ""
	for row, err := range c.Inquiries(t.Context(), done.BatchID, sdk.InquiryFilter{}) {
		if err != nil {
			t.Fatalf("listing inquiry %d: %v", n, err)
		}
		if row.Index != n || row.ExternalID != in.Inquiries[n].ExternalID {
			t.Fatalf("inquiry %d is listed as %+v", n, row)
		}
		if n++; n == 1 {
			first = row.InquiryID
			one, err := c.Inquiry(t.Context(), row.InquiryID)
			if err != nil {
				t.Fatalf("reading an inquiry: %v", err)
			}
			if one.Report == nil || one.Report.Coverage.Applicable == 0 {
				t.Errorf("the inquiry has no report with an applicable source: %+v", one)
			}
			if one.Inquiry.BusinessName != in.Inquiries[0].BusinessName {
				t.Errorf("the inquiry has the business name %q, want %q", one.Inquiry.BusinessName, in.Inquiries[0].BusinessName)
			}
		}
	}
	results, err := c.Results(t.Context(), done.BatchID, sdk.ResultsQuery{Scope: sdk.ScopeSucceeded})
	if err != nil {
		t.Fatal(err)
	}
	defer results.Close()
	data, err := io.ReadAll(results)
	if err != nil {
		t.Fatalf("reading the results: %v", err)
	}
	if !results.Complete {
		t.Error("the results of a finished batch are not complete")
	}
	if lines := bytes.Count(data, []byte("\n")); lines != total+1 {
		t.Errorf("the results have %d lines, want %d", lines, total+1)
	}
	if !bytes.Contains(data, []byte(first)) {
		t.Errorf("the results do not contain the inquiry %s", first)
	}
	batches := 0
	for b, err := range c.Batches(t.Context(), sdk.BatchFilter{NamePrefix: "renew"}) {
		if err != nil || b.BatchID != accepted.BatchID {
			t.Errorf("listing batches by name: %+v, %v", b, err)
		}
		batches++
	}
	if n != total || batches != 1 {
		t.Errorf("listed %d inquiries and %d batches, want %d and 1", n, batches, total)
	}
	if _, err := c.Cancel(t.Context(), done.BatchID); !sdk.IsKind(err, sdk.KindNotCancellable) {
		t.Errorf("canceling a finished batch: error %v, want %s", err, sdk.KindNotCancellable)
	}
	if key, err := c.APIKey(t.Context()); err != nil || key != u.apiKey {
		t.Errorf("reading the API key: another key, or error %v", err)
	}
	again, err := c.Rerun(t.Context(), done.BatchID, sdk.Rerun{InquiryIDs: []string{first}, Name: "Again"})
	if err != nil || again.Total != 1 || again.ParentBatchID != done.BatchID {
		t.Fatalf("rerunning one inquiry: %+v, %v", again, err)
	}
	if b, err := c.Wait(t.Context(), again.BatchID); err != nil || b.Completed != 1 || b.OperationType != sdk.OperationRerun {
		t.Errorf("the rerun ended as %+v, %v, want one completed inquiry", b, err)
	}
	if _, err := c.Rerun(t.Context(), done.BatchID, sdk.Rerun{}); !sdk.IsKind(err, sdk.KindNothingToRerun) {
		t.Errorf("rerunning a batch without failures: error %v, want %s", err, sdk.KindNothingToRerun)
	}
	if b, err := c.Delete(t.Context(), again.BatchID); err != nil || b.DeletedAt == nil || b.Total != 1 || b.BatchName != "" {
		t.Errorf("deleting a batch: %+v, %v, want deletedAt, the total and no name", b, err)
	}
	single, err := c.SubmitInquiry(t.Context(), in.Inquiries[0], "")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := c.Wait(t.Context(), single.BatchID); err != nil || b.Total != 1 || b.OperationType != sdk.OperationSingle {
		t.Errorf("the batch of a single inquiry: %+v, %v", b, err)
	}
	if me, err := c.Me(t.Context()); err != nil || me.Lender.LenderID != u.lender || me.Limits.BatchMax != 250 {
		t.Errorf("reading the user: %+v, %v", me, err)
	}
	checked, err := c.Validate(t.Context(), sdk.Submission{Name: "Bad", Inquiries: []sdk.InquiryInput{{BusinessName: "A", EIN: "12"}}})
	if err != nil || checked.Valid || len(checked.Errors) != 1 {
		t.Errorf("validating an invalid batch: %+v, %v, want one error", checked, err)
	}
}

// The bi command submits a spreadsheet and follows it to its results.
func TestBi(t *testing.T) {
	t.Parallel()
	root, err := engine.Root()
	if err != nil {
		t.Fatal(err)
	}
	u := newUser(t, "", "member")
	bi := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), filepath.Join(root, "dist", "bi"), args...)
		cmd.Env = append(os.Environ(), "BI_URL="+stack.APIURL, "BI_API_KEY="+u.apiKey)
		var out, errOut bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errOut
		if err := cmd.Run(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != want {
			t.Fatalf("bi %s: %v, want exit code %d\n%s%s", strings.Join(args, " "), err, want, &out, &errOut)
		}
		if strings.Contains(errOut.String(), u.apiKey) {
			t.Errorf("bi %s prints the API key to standard error", strings.Join(args, " "))
		}
		return out.String(), errOut.String()
	}
	write := func(name, content string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}

	loans := write("loans.csv", "businessName,ein,externalId\nQuiet Meadow LLC,,LOAN-1\nQuiet Harbor LLC,47-0555102,LOAN-2\n")
	if out, stderr := bi(0, "submit", loans, "--wait"); !sdk.IsID(strings.TrimSpace(out)) || !strings.Contains(stderr, "2 of 2: 2 completed\nCOMPLETED: ") {
		t.Errorf("submit --wait prints %s%s, want the batch ID and COMPLETED", out, stderr)
	}
	mixed := write("mixed.csv", "businessName,ein,externalId\nQuiet Meadow LLC,,LOAN-1\n\nBad LLC,12,LOAN-2\n")
	if _, stderr := bi(1, "submit", mixed); !strings.Contains(stderr, "row 4, column ein (LOAN-2): ") {
		t.Errorf("submitting an invalid file prints %s, want the row and the column", stderr)
	}
	id, _ := bi(0, "submit", mixed, "--skip-invalid")
	id = strings.TrimSpace(id)
	if out, _ := bi(3, "watch", id); !strings.Contains(out, "PARTIAL_SUCCESS: ") {
		t.Errorf("watch prints %s, want PARTIAL_SUCCESS", out)
	}
	if out, _ := bi(0, "list"); strings.Count(out, "\n") != 3 || !strings.Contains(out, id) {
		t.Errorf("list prints %s, want both batches", out)
	}
	table := filepath.Join(t.TempDir(), "results.csv")
	bi(0, "results", id, "--format", "csv", "-o", table)
	if data, err := os.ReadFile(table); err != nil || strings.Count(string(data), "\n") != 3 || !strings.Contains(string(data), "LOAN-2") {
		t.Errorf("the results file has %s, %v, want both inquiries", data, err)
	}
	bi(1, "cancel", id)
	if _, stderr := bi(1, "rerun", "--failed", id); !strings.Contains(stderr, "Nothing to rerun") { // the inquiry was rejected, it did not fail
		t.Errorf("rerun --failed prints %s", stderr)
	}
	bi(2, "delete", id) // there is no terminal to ask for confirmation
	if out, _ := bi(0, "delete", "--yes", id); !strings.Contains(out, "1 completed, 1 failed") {
		t.Errorf("delete --yes prints %s, want the counts", out)
	}
	bi(1, "results", id)
	if out, _ := bi(0, "whoami"); !strings.Contains(out, "("+u.lender+")") || !strings.Contains(out, "and 10000 in unfinished batches, which have 0 now") {
		t.Errorf("whoami prints %s, want the lender and its limits", out)
	}
	kept := filepath.Join(t.TempDir(), "key")
	bi(0, "key", "rotate", "--to", kept, "--api-key", u.token)
	if _, stderr := bi(1, "key", "rotate", "--to", filepath.Join(t.TempDir(), "another")); !strings.Contains(stderr, "Sign in") {
		t.Errorf("key rotate with the key itself prints %s, want what to do", stderr)
	}
	fresh, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	u.apiKey = strings.TrimSpace(string(fresh))
	if key, _ := bi(0, "key", "show"); strings.TrimSpace(key) != u.apiKey {
		t.Error("key show does not print the rotated key")
	}
}
