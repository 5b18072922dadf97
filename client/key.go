package client

import "context"

// APIKey returns the caller's API key, which the first call creates.
func (c *Client) APIKey(ctx context.Context) (string, error) {
	var out struct {
		APIKey string `json:"apiKey"`
	}
	err := c.get(ctx, "/users/me/api-key", nil, &out)
	return out.APIKey, err
}
