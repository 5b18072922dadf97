package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"
)

// ResultsQuery says which results of a batch to get, and how.
type ResultsQuery struct {
	Format ResultsFormat // empty is [NDJSON]
	Scope  ResultsScope  // empty is [ScopeAll]
}

// ResultsFormat is the media type of results.
type ResultsFormat string

const (
	NDJSON ResultsFormat = "application/x-ndjson" // an [Inquiry] a line, then a line whose only member is end
	CSV    ResultsFormat = "text/csv"             // a row for each inquiry, without its report
)

// ResultsScope is which inquiries are in results.
type ResultsScope string

const (
	ScopeAll       ResultsScope = "all"
	ScopeSucceeded ResultsScope = "succeeded" // those with a report
	ScopeFailed    ResultsScope = "failed"
)

// Results are all results of a batch in one file. They are certainly the API's,
// and reading them ends with an error when the connection is cut, never with a
// part that looks like the whole.
type Results struct {
	io.ReadCloser
	Complete bool      // the batch was final, so that no later results differ
	AsOf     time.Time // when they were read
}

// Results returns a batch's results to read from, which may be asked for while
// it is running. Whoever asks closes them. A connection that is lost before the
// first byte is tried again; one that is lost later is the caller's to begin
// anew.
func (c *Client) Results(ctx context.Context, batchID string, q ResultsQuery) (*Results, error) {
	if q.Format == "" {
		q.Format = NDJSON
	}
	path, err := batchPath(batchID, "/results")
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	set(query, "scope", string(q.Scope))
	r := get(path, query)
	r.header = map[string]string{"Accept": string(q.Format)}
	return retry(ctx, c, c.tries, func() (*Results, error) { return c.results(ctx, r) })
}

// results makes one try. It has a time limit up to the first byte; how long the
// rest takes is the reader's business.
func (c *Client) results(ctx context.Context, r request) (*Results, error) {
	limited, cancel := context.WithCancel(ctx)
	timer := time.AfterFunc(tryTimeout, cancel)
	out, err := c.begin(limited, r)
	inTime := timer.Stop()
	if err == nil && inTime {
		out.ReadCloser = body{out.ReadCloser, cancel}
		return out, nil
	}
	cancel()
	if err == nil {
		out.Close()
	}
	if !inTime && ctx.Err() == nil {
		return nil, c.slow(r, tryTimeout)
	}
	return nil, err
}

// begin reads the head of the answer. Its body is saved as it comes, so that
// what is not certainly results is an error.
func (c *Client) begin(ctx context.Context, r request) (*Results, error) {
	resp, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	out := &Results{ReadCloser: resp.Body, Complete: resp.Header.Get("Results-Complete") == "true"}
	media := mediaType(resp)
	out.AsOf, err = time.Parse(time.RFC3339Nano, resp.Header.Get("Results-As-Of"))
	switch {
	case err == nil && resp.StatusCode == http.StatusOK && media == r.header["Accept"]:
		return out, nil
	case err == nil && resp.StatusCode == http.StatusSeeOther:
		resp.Body.Close()
		out.ReadCloser, err = c.follow(ctx, resp, r.header["Accept"])
		return out, err
	}
	resp.Body.Close()
	if resp.StatusCode >= http.StatusMultipleChoices {
		return nil, elsewhere(r, resp.StatusCode, resp.Header)
	}
	return nil, notOurs(r, fmt.Sprintf("it is %q with the status %d", media, resp.StatusCode))
}

// mediaType is an answer's, without parameters; empty when it does not say.
func mediaType(resp *http.Response) string {
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return media
}

// follow gets the file that an answer says the results lie in, from an address
// that is not to see the credential.
func (c *Client) follow(ctx context.Context, from *http.Response, mediaAsked string) (io.ReadCloser, error) {
	place, err := from.Location()
	if err != nil {
		return nil, fmt.Errorf("the answer says that it lies elsewhere and not where: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, place.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		// Its text would have the address, which opens the file to anyone.
		return nil, fmt.Errorf("getting the file that the results lie in: %w", errors.Unwrap(err))
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, &Problem{Status: resp.StatusCode, Title: http.StatusText(resp.StatusCode), Detail: "the file that the results lie in cannot be read"}
	}
	if media := mediaType(resp); media != mediaAsked {
		resp.Body.Close()
		return nil, foreign(fmt.Sprintf("the file that the results should lie in is %q", media))
	}
	return resp.Body, nil
}

// body releases what belongs to a connection when it is closed.
type body struct {
	io.ReadCloser
	release func()
}

func (b body) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}
