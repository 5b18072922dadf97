package client

import (
	"context"
	"fmt"
	"net/http"
)

const keyPath = mePath + "/api-key"

// APIKey returns the caller's API key. The first call creates it.
func (c *Client) APIKey(ctx context.Context) (string, error) {
	return c.apiKey(ctx, get(keyPath, nil))
}

// RotateAPIKey ends the caller's API key and returns a new one. The client must have
// been made with a token: an API key cannot replace itself.
func (c *Client) RotateAPIKey(ctx context.Context) (string, error) {
	return c.apiKey(ctx, post(keyPath+"/rotate", "", nil))
}

// apiKey sends a request whose response is the caller's key.
func (c *Client) apiKey(ctx context.Context, r request) (string, error) {
	type keyBody struct {
		APIKey string `json:"apiKey"`
	}
	out, _, err := call(ctx, c, r, func(b *keyBody) bool { return b.APIKey != "" })
	if err != nil {
		return "", err
	}
	return out.APIKey, nil
}

// RevokeAPIKey ends the caller's API key without a replacement. To get a new key,
// the caller must sign in and rotate.
func (c *Client) RevokeAPIKey(ctx context.Context) error {
	r := request{method: http.MethodDelete, path: keyPath}
	resp, err := c.send(ctx, r, c.tries)
	if err != nil {
		return err
	}
	if resp.status != http.StatusNoContent {
		return unexpected(r, fmt.Sprintf("its status is %d", resp.status))
	}
	return nil
}
