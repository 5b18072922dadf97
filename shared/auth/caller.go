package auth

import (
	"fmt"
	"strconv"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// Caller is the verified sender of a request. Every field comes from the table or
// from a verified signature, and none from a claim that users can set themselves.
type Caller struct {
	LenderID   inquiry.LenderID // whose data the caller may see
	UserID     string           // the Cognito sub; for an API key, that of its owner
	Role       Role
	Credential Credential
	KeyID      string // set if Credential is CredentialAPIKey
	KeyVersion int    // version of the key that was sent, from 1; 0 if unknown; may have ended since
}

// Credential is the kind of credential that a caller sent.
type Credential string

const (
	CredentialUser   Credential = "user"   // a Cognito token
	CredentialAPIKey Credential = "apiKey" // an API key, which acts for its owner
)

// Role says what a user may do with their lender's data. The API has routes that
// read and routes that change something, so there are two roles. No role manages
// users: operators do that with the admin command.
type Role string

const (
	RoleMember Role = "member" // submits, cancels and reads batches
	RoleViewer Role = "viewer" // reads batches
)

// ParseRole returns the role of this name, or an error that lists the roles.
func ParseRole(s string) (Role, error) {
	switch r := Role(s); r {
	case RoleMember, RoleViewer:
		return r, nil
	}
	return "", fmt.Errorf("role %q is neither %s nor %s", s, RoleMember, RoleViewer)
}

// MayChange reports whether the role may submit and cancel.
func (r Role) MayChange() bool { return r == RoleMember }

// ContextSuspended is the authorizer's only value for a suspended caller. It replaces
// the values that would name the caller.
const ContextSuspended = "suspended"

// Submitter returns what the table checks again when the caller submits.
func (c Caller) Submitter() inquiry.Submitter {
	return inquiry.Submitter{UserID: c.UserID, Role: string(c.Role), KeyID: c.KeyID, KeyVersion: c.KeyVersion}
}

// Context returns the caller in the form that API Gateway passes on to the API. All
// values are text.
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

// CallerFromContext reads the values that [Caller.Context] wrote from a request's
// requestContext.authorizer. It returns inquiry.ErrSuspended if the authorizer found
// the caller suspended. Any other error means that the request did not come through
// the authorizer, so the deployment is wrong.
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
	if c.Credential == CredentialAPIKey && c.KeyID == "" {
		return Caller{}, fmt.Errorf("the authorizer's context names no API key") // so nobody could check that it is in use
	}
	role, err := ParseRole(text("role"))
	if err != nil {
		return Caller{}, fmt.Errorf("the authorizer's context: %w", err)
	}
	c.Role = role
	// API Gateway may have cached an answer of an earlier authorizer, without a version.
	c.KeyVersion, _ = strconv.Atoi(text("keyVersion"))
	return c, nil
}
