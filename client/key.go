package client

import (
	"context"
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

// MeLimits are what one request may ask for.
type MeLimits struct {
	BatchMax     int `json:"batchMax"` // inquiries in one batch
	BodyBytesMax int `json:"bodyBytesMax"`
	PageMax      int `json:"pageMax"`
}

// Me says who the credential stands for. It is the way to test one.
func (c *Client) Me(ctx context.Context) (*Me, error) {
	var out Me
	if err := c.get(ctx, "/v1/users/me", nil, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

const keyPath = "/v1/users/me/api-key"

// apiKey is what the key's routes answer with.
type apiKey struct {
	APIKey string `json:"apiKey"`
}

// APIKey returns the caller's API key, which the first call creates.
func (c *Client) APIKey(ctx context.Context) (string, error) {
	var out apiKey
	err := c.get(ctx, keyPath, nil, &out)
	return out.APIKey, err
}

// RotateAPIKey ends the caller's API key and returns another. A client that goes
// by the old key needs replacing: the old one works for minutes at the most, and
// does not show the new one.
func (c *Client) RotateAPIKey(ctx context.Context) (string, error) {
	var out apiKey
	_, err := c.post(ctx, keyPath+"/rotate", "", nil, &out)
	return out.APIKey, err
}

// RevokeAPIKey ends the caller's API key. There is no other until it is rotated,
// for which the caller has to sign in.
func (c *Client) RevokeAPIKey(ctx context.Context) error {
	_, err := c.send(ctx, request{method: http.MethodDelete, path: keyPath}, c.tries)
	return err
}
