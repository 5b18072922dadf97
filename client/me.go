package client

import "context"

// Me describes the caller.
type Me struct {
	UserID     string   `json:"userId"`
	Role       string   `json:"role"`       // member, or viewer, who can only read
	Credential string   `json:"credential"` // user for a token, or apiKey
	KeyID      string   `json:"keyId"`      // of the API key that was sent; not a secret
	Lender     MeLender `json:"lender"`
	Limits     MeLimits `json:"limits"`
}

// MeLender is the caller's lender.
type MeLender struct {
	LenderID string `json:"lenderId"`
	Name     string `json:"name"`
}

// MeLimits are the limits of the caller's lender.
type MeLimits struct {
	BatchMax     int `json:"batchMax"` // inquiries per batch
	BodyBytesMax int `json:"bodyBytesMax"`
	PageMax      int `json:"pageMax"`

	OpenMax           int `json:"openMax"` // inquiries in all unfinished batches together
	Open              int `json:"open"`    // inquiries in them now
	RequestsPerSecond int `json:"requestsPerSecond"`
	RequestsAtOnce    int `json:"requestsAtOnce"` // after a pause
	PollsPerSecond    int `json:"pollsPerSecond"` // of one batch's status; Watch and Wait respect it
}

const mePath = "/v1/users/me"

// Me returns the caller's user, lender and limits. Use it to test a credential.
func (c *Client) Me(ctx context.Context) (*Me, error) {
	out, _, err := call(ctx, c, get(mePath, nil), func(m *Me) bool { return m.UserID != "" })
	return out, err
}
