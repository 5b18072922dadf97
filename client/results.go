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

// ResultsQuery selects a batch's results and their format.
type ResultsQuery struct {
	Format ResultsFormat // empty is [NDJSON]
	Scope  ResultsScope  // empty is [ScopeAll]
}

// ResultsFormat is the media type of results.
type ResultsFormat string

const (
	NDJSON ResultsFormat = "application/x-ndjson" // an [Inquiry] per line, then a line whose only member is end
	CSV    ResultsFormat = "text/csv"             // a row per inquiry, without its report
)

// ResultsScope selects the inquiries in results.
type ResultsScope string

const (
	ScopeAll       ResultsScope = "all"
	ScopeSucceeded ResultsScope = "succeeded" // those with a report
	ScopeFailed    ResultsScope = "failed"
)

// Results are all results of a batch as one file. If the connection is cut, reading
// ends with an error, so a part of the file is never mistaken for the whole.
type Results struct {
	io.ReadCloser
	Complete bool      // the batch was final, so its results cannot change anymore
	AsOf     time.Time // when the API read them
}

// Results returns a batch's results, which the caller must close. The batch may
// still be running. If the connection is lost before the first byte, Results
// retries; after that, the caller must start again.
func (c *Client) Results(ctx context.Context, batchID string, q ResultsQuery) (*Results, error) {
	if q.Format == "" {
		q.Format = NDJSON
	}
	path, err := batchPath(batchID, "/results")
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	setNonEmpty(query, "scope", string(q.Scope))
	r := get(path, query)
	r.header = map[string]string{"Accept": string(q.Format)}
	return retry(ctx, c, c.tries, func() (*Results, error) { return c.tryResults(ctx, r) })
}

// tryResults sends the request once. The time until the first byte is limited; the
// time to read the rest is not.
func (c *Client) tryResults(ctx context.Context, r request) (*Results, error) {
	limited, cancel := context.WithCancel(ctx)
	timer := time.AfterFunc(tryTimeout, cancel)
	out, err := c.openResults(limited, r)
	inTime := timer.Stop()
	if err == nil && inTime {
		out.ReadCloser = cancelOnClose{out.ReadCloser, cancel}
		return out, nil
	}
	cancel()
	if err == nil {
		out.Close()
	}
	if !inTime && ctx.Err() == nil {
		return nil, c.timedOut(r, tryTimeout)
	}
	return nil, err
}

// openResults checks the head of the response, because its body is saved as it
// arrives: it returns an error unless the body is certainly results.
func (c *Client) openResults(ctx context.Context, r request) (*Results, error) {
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
		out.ReadCloser, err = c.openResultsFile(ctx, resp, r.header["Accept"])
		return out, err
	}
	resp.Body.Close()
	if resp.StatusCode >= http.StatusMultipleChoices {
		return nil, redirected(r, resp.StatusCode, resp.Header)
	}
	return nil, unexpected(r, fmt.Sprintf("it is %q with the status %d", media, resp.StatusCode))
}

// mediaType returns a response's media type without parameters, or "".
func mediaType(resp *http.Response) string {
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return media
}

// openResultsFile opens the results file that a response points to. The request
// has no credential, because the file is not at the API's address.
func (c *Client) openResultsFile(ctx context.Context, from *http.Response, wantMedia string) (io.ReadCloser, error) {
	address, err := from.Location()
	if err != nil {
		return nil, fmt.Errorf("the API did not send the address of the results file: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		// The error's own text contains the address, with which anyone could read the file.
		return nil, fmt.Errorf("getting the results file: %w", errors.Unwrap(err))
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, &Problem{Status: resp.StatusCode, Title: http.StatusText(resp.StatusCode), Detail: "the results file cannot be read"}
	}
	if media := mediaType(resp); media != wantMedia {
		resp.Body.Close()
		return nil, unexpectedResponse(fmt.Sprintf("the results file is %q, not %q", media, wantMedia))
	}
	return resp.Body, nil
}

// cancelOnClose is a response body whose request is canceled when it is closed.
type cancelOnClose struct {
	io.ReadCloser
	cancel func()
}

func (c cancelOnClose) Close() error {
	defer c.cancel()
	return c.ReadCloser.Close()
}
