package client

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// tryTimeout limits one try, from dialing to the last byte of the response.
const tryTimeout = time.Minute

// request is one call, which may take several tries.
type request struct {
	method  string
	path    string
	query   url.Values
	header  map[string]string
	body    []byte        // nil: none
	timeout time.Duration // of one try; 0 is tryTimeout
}

// response is a response that is not an error (status below 400).
type response struct {
	status int
	header http.Header
	body   []byte
}

// replayed reports whether an earlier request with the same idempotency key had
// already done the work.
func (r *response) replayed() bool { return r.header.Get("Idempotent-Replayed") == "true" }

// get returns a GET request.
func get(path string, query url.Values) request {
	return request{method: http.MethodGet, path: path, query: query}
}

// post returns a POST request whose idempotency key is the same for all tries. An
// empty key is replaced by a random one.
func post(path, key string, body []byte) request {
	return request{method: http.MethodPost, path: path, body: body, header: map[string]string{"Idempotency-Key": cmp.Or(key, rand.Text())}}
}

// call sends a request, with retries, and decodes the response.
func call[T any](ctx context.Context, c *Client, r request, expected func(*T) bool) (*T, *response, error) {
	resp, err := c.send(ctx, r, c.tries)
	if err != nil {
		return nil, nil, err
	}
	out, err := decode(c, r, resp, expected)
	return out, resp, err
}

// decode decodes a response. Any JSON object decodes into an empty T, so expected
// must report whether the result is the one that was requested.
func decode[T any](c *Client, r request, resp *response, expected func(*T) bool) (*T, error) {
	if resp.status >= http.StatusMultipleChoices {
		return nil, redirected(r, resp.status, resp.header)
	}
	out := new(T)
	if err := json.Unmarshal(resp.body, out); err != nil {
		return nil, unexpected(r, err.Error())
	}
	if !expected(out) {
		return nil, unexpected(r, "it does not contain what was requested")
	}
	c.reached.Store(true)
	return out, nil
}

// unexpectedResponse is a response that does not come from the API, such as the
// sign-in page of a hotel's network. A retry would not help.
type unexpectedResponse string

func (u unexpectedResponse) Error() string { return string(u) }

// redirected returns the error for a response that points to another address.
func redirected(r request, status int, header http.Header) error {
	return unexpectedResponse(fmt.Sprintf("%s %s: %d: the API is at another address: %s", r.method, r.path, status, header.Get("Location")))
}

// unexpected returns the error for a response that is not the API's response to
// this request.
func unexpected(r request, reason string) error {
	return unexpectedResponse(fmt.Sprintf("%s %s: the response is not what this API sends (is the address right?): %s", r.method, r.path, reason))
}

// send sends the request, at most tries times; 0 means no limit.
func (c *Client) send(ctx context.Context, r request, tries uint) (*response, error) {
	return retry(ctx, c, tries, func() (*response, error) { return c.try(ctx, r) })
}

// try sends the request once and reads the whole response within the timeout.
func (c *Client) try(ctx context.Context, r request) (*response, error) {
	timeout := cmp.Or(r.timeout, tryTimeout)
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	resp, err := c.exchange(limited, r)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return nil, c.timedOut(r, timeout)
	}
	return resp, err
}

// timedOut returns the error for a try without a response in time. It has the
// type of any other connection error.
func (c *Client) timedOut(r request, timeout time.Duration) error {
	return &url.Error{Op: r.method, URL: c.base + r.path, Err: fmt.Errorf("no response within %s", timeout)}
}

func (c *Client) exchange(ctx context.Context, r request) (*response, error) {
	resp, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	body, err := readBody(r, resp)
	if err != nil {
		return nil, err
	}
	return &response{status: resp.StatusCode, header: resp.Header, body: body}, nil
}

// do sends the request once. A response with an error status becomes a [*Problem].
func (c *Client) do(ctx context.Context, r request) (*http.Response, error) {
	address := c.base + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, address, bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.credential)
	req.Header.Set("Accept", "application/json")
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < http.StatusBadRequest {
		return resp, nil
	}
	body, err := readBody(r, resp)
	if err != nil {
		return nil, err
	}
	return nil, problemOf(resp, body)
}

// readBody reads and closes a response's body.
func readBody(r request, resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: reading the response: %w", r.method, r.path, err)
	}
	return body, nil
}
