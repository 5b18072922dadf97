package auth

import (
	"fmt"
	"strconv"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// Caller is who makes a request, as the authorizer verified it. All of it comes
// from our own items, none from a claim that a user could write.
type Caller struct {
	LenderID   inquiry.LenderID // whose data the caller may see
	UserID     string           // the Cognito sub, for a key that of its owner
	Role       Role
	Credential Credential
	KeyID      string // set when Credential is CredentialAPIKey
	KeyVersion int    // of the key that was sent, which may have ended since; from 1, 0 when it is not known
}

// Credential is how a caller proved who they are.
type Credential string

const (
	CredentialUser   Credential = "user"   // a Cognito token
	CredentialAPIKey Credential = "apiKey" // an API key, which acts as its owner
)

// Role is what a user may do with their lender's data. The API has two kinds of
// route, those that change something and those that read, and so there are two
// roles. Users are managed by us, with the admin command: no role may do that.
type Role string

const (
	RoleMember Role = "member" // submits, cancels and reads batches
	RoleViewer Role = "viewer" // reads batches
)

// ParseRole reads a role; any other word is an error that names the roles.
func ParseRole(s string) (Role, error) {
	switch r := Role(s); r {
	case RoleMember, RoleViewer:
		return r, nil
	}
	return "", fmt.Errorf("role %q is neither %s nor %s", s, RoleMember, RoleViewer)
}

// MayChange reports whether the role may submit and cancel.
func (r Role) MayChange() bool { return r == RoleMember }

// ContextSuspended is what the authorizer says instead of who the caller is when
// they, or their lender, may not use the service.
const ContextSuspended = "suspended"

// Context is the caller in the form that API Gateway passes on: text only.
func (c Caller) Context() map[string]any {
	values := map[string]any{
		"lenderId":   string(c.LenderID),
		"userId":     c.UserID,
		"role":       string(c.Role),
		"credential": string(c.Credential),
	}
	if c.KeyID != "" {
		values["keyId"] = c.KeyID
		values["keyVersion"] = strconv.Itoa(c.KeyVersion)
	}
	return values
}

// CallerFromContext reads what [Caller.Context] wrote, out of a request's
// requestContext.authorizer. An error means that the request did not come
// through our authorizer: a fault of the deployment, not of the caller. Only
// inquiry.ErrSuspended is the authorizer's own word.
func CallerFromContext(values map[string]any) (Caller, error) {
	text := func(name string) string { s, _ := values[name].(string); return s }
	if text(ContextSuspended) != "" {
		return Caller{}, inquiry.ErrSuspended
	}
	c := Caller{
		LenderID:   inquiry.LenderID(text("lenderId")),
		UserID:     text("userId"),
		Credential: Credential(text("credential")),
		KeyID:      text("keyId"),
	}
	if c.LenderID == "" || c.UserID == "" {
		return Caller{}, fmt.Errorf("the authorizer's context names no lender or no user")
	}
	if c.Credential != CredentialUser && c.Credential != CredentialAPIKey {
		return Caller{}, fmt.Errorf("the authorizer's context has credential %q", c.Credential)
	}
	role, err := ParseRole(text("role"))
	if err != nil {
		return Caller{}, fmt.Errorf("the authorizer's context: %w", err)
	}
	c.Role = role
	// Answers of an earlier authorizer, which API Gateway kept, have no version.
	c.KeyVersion, _ = strconv.Atoi(text("keyVersion"))
	return c, nil
}
