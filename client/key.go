package client

import (
	"context"
	"fmt"
	"net/http"
)

// Me is who the caller is to the API.
type Me struct {
	UserID     string   `json:"userId"`
	Role       string   `json:"role"`       // member or viewer, who reads only
	Credential string   `json:"credential"` // user with a token, or apiKey
	KeyID      string   `json:"keyId"`      // of the key that was sent; it is no secret
	Lender     MeLender `json:"lender"`
	Limits     MeLimits `json:"limits"`
}

// MeLender is the caller's lender.
type MeLender struct {
	LenderID string `json:"lenderId"`
	Name     string `json:"name"`
}

// MeLimits are what the caller's lender may ask for, in one request and in all.
type MeLimits struct {
	BatchMax     int `json:"batchMax"` // inquiries in one batch
	BodyBytesMax int `json:"bodyBytesMax"`
	PageMax      int `json:"pageMax"`

	OpenMax           int `json:"openMax"` // inquiries that unfinished batches may have, all together
	Open              int `json:"open"`    // inquiries that they have now
	RequestsPerSecond int `json:"requestsPerSecond"`
	RequestsAtOnce    int `json:"requestsAtOnce"` // after a pause
	PollsPerSecond    int `json:"pollsPerSecond"` // of one batch's status; Watch and Wait keep to it
}

// Me says who the credential stands for. It is the way to test one.
func (c *Client) Me(ctx context.Context) (*Me, error) {
	out, _, err := call(ctx, c, get("/v1/users/me", nil), func(m *Me) bool { return m.UserID != "" })
	return out, err
}

const keyPath = "/v1/users/me/api-key"

// APIKey returns the caller's API key, which the first call creates.
func (c *Client) APIKey(ctx context.Context) (string, error) {
	return c.apiKey(ctx, get(keyPath, nil))
}

// RotateAPIKey ends the caller's API key and returns another. A client that goes
// by the old key needs replacing: the old one works for minutes at the most, and
// does not show the new one.
func (c *Client) RotateAPIKey(ctx context.Context) (string, error) {
	return c.apiKey(ctx, post(keyPath+"/rotate", "", nil))
}

// apiKey sends a request that is answered with the caller's key.
func (c *Client) apiKey(ctx context.Context, r request) (string, error) {
	type body struct {
		APIKey string `json:"apiKey"`
	}
	out, _, err := call(ctx, c, r, func(b *body) bool { return b.APIKey != "" })
	if err != nil {
		return "", err
	}
	return out.APIKey, nil
}

// RevokeAPIKey ends the caller's API key. There is no other until it is rotated,
// for which the caller has to sign in.
func (c *Client) RevokeAPIKey(ctx context.Context) error {
	r := request{method: http.MethodDelete, path: keyPath}
	a, err := c.send(ctx, r, c.tries)
	if err == nil && a.status != http.StatusNoContent {
		return notOurs(r, fmt.Sprintf("it has the status %d", a.status))
	}
	return err
}
