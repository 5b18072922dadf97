// Package problem names every kind of error that a caller of the API can get. The
// API function, the authorizer and the gateway all use these names, so the same
// error has the same name wherever it is found.
//
// It contains names, statuses and texts. Package httpapi and the gateway's templates
// write the problem documents.
package problem

// Page is the path of the reference page, below the prefix that a client's address
// has before /v1.
const Page = "/v1/docs"

// Anchor comes before a kind's name in a problem's type.
const Anchor = "problem-"

// Name is the stable name of a kind of problem. Clients compare it, so it never
// changes.
type Name string

// Every kind of problem. Kinds describes each one.
const (
	Malformed           Name = "malformed"
	Unauthenticated     Name = "unauthenticated"
	KeyMalformed        Name = "key-malformed"
	KeyUnknown          Name = "key-unknown"
	KeyRevoked          Name = "key-revoked"
	TokenInvalid        Name = "token-invalid"
	TokenExpired        Name = "token-expired"
	TokenForeign        Name = "token-foreign"
	NotAMember          Name = "not-a-member"
	Forbidden           Name = "forbidden"
	TokenRequired       Name = "token-required"
	Suspended           Name = "suspended"
	NotFound            Name = "not-found"
	MethodNotAllowed    Name = "method-not-allowed"
	NotAcceptable       Name = "not-acceptable"
	NotCancellable      Name = "not-cancellable"
	NotFinished         Name = "not-finished"
	IdempotencyInFlight Name = "idempotency-in-flight"
	Conflict            Name = "conflict"
	Deleted             Name = "deleted"
	TooLarge            Name = "too-large"
	UnsupportedType     Name = "unsupported-media"
	Validation          Name = "validation"
	IdempotencyMismatch Name = "idempotency-mismatch"
	NothingToRerun      Name = "nothing-to-rerun"
	RateLimited         Name = "rate-limited"
	TooManyOpen         Name = "too-many-open"
	Internal            Name = "internal"
	Unavailable         Name = "unavailable"
	Timeout             Name = "timeout"
)

// Kind describes one kind of problem. Its name and status never change.
type Kind struct {
	Name   Name   `json:"name"`   // completes Type
	Status int    `json:"status"` // the HTTP status of every such problem
	Title  string `json:"title"`
	Help   string `json:"help"` // for the reference page: when it happens and what to do
}

// Type returns the URI that identifies the kind in a problem document: a reference
// to its paragraph on the reference page. The prefix is the part of the client's
// address before /v1: "/prod" on the API's own address, "" on a custom domain.
func Type(prefix string, name Name) string { return prefix + Page + "#" + Anchor + string(name) }

// Challenge returns the WWW-Authenticate header for a rejected credential. The
// detail must not contain quotes.
func Challenge(detail string) string {
	return `Bearer error="invalid_token", error_description="` + detail + `"`
}

// KeyEnded is the detail of every KeyRevoked problem.
const KeyEnded = "The API key was revoked or rotated. Sign in and create a new one."

// Refusals are the details of the problems with a credential. They are copied into
// headers and templates without escaping, so they must not contain quotes.
var Refusals = map[Name]string{
	KeyRevoked:   KeyEnded,
	NotAMember:   "The token is valid, but its user is not a member here. Ask your administrator for an invitation, then sign in again.",
	KeyMalformed: "The API key was cut short or mistyped: its checksum does not match. Copy it again.",
	KeyUnknown:   "The API key has the right format but was not issued here. Check that you are using the key for this environment.",
	TokenExpired: "The token has expired. Sign in again.",
	TokenForeign: "The token comes from a different user pool. Check that you are using the token for this environment.",
	TokenInvalid: "This service does not accept the token. Sign in again.",
}

// Kinds lists every kind of problem in the order of the reference page, which is
// roughly by status.
var Kinds = []Kind{
	{Malformed, 400, "The request cannot be read",
		"The body is missing or is not valid JSON, or the HTTP request itself is malformed. `detail` says where parsing stopped. Fix the request before you send it again."},

	{Unauthenticated, 401, "Not signed in",
		"The Authorization header is missing, or it contains neither a token nor an API key. Send `Authorization: Bearer <credential>` with an API key (which starts with vd__) or a Cognito token."},
	{KeyMalformed, 401, "The API key is malformed",
		"The key was cut short, has a mistyped character, or has extra characters around it: the checksum at its end does not match. Copy it again from `GET /v1/users/me/api-key`."},
	{KeyUnknown, 401, "The API key is unknown",
		"The key has the right format but was never issued here. Each environment has its own keys: check that you are using the key for this one."},
	{KeyRevoked, 401, "The API key has ended",
		"The key was valid until it was revoked or rotated. Sign in: with your token, `GET /v1/users/me/api-key` shows your current key, and `POST /v1/users/me/api-key/rotate` creates a new one. Only a caller who sends the complete key gets this response."},
	{TokenInvalid, 401, "The token is invalid",
		"The token's signature does not match, it was issued to another application, or it is neither an ID token nor an access token. Sign in again."},
	{TokenExpired, 401, "The token has expired",
		"The token was valid but has expired. Refresh it or sign in again. For unattended systems, use an API key."},
	{TokenForeign, 401, "The token comes from a different user pool",
		"The token was issued by a user pool other than this environment's. Check that you are using the token for this environment."},
	// The gateway has only one status, 401, for a rejected credential. It is also
	// close to the truth: signing in again is what helps.
	{NotAMember, 401, "Not a member here",
		"The token is valid, but its user does not belong to a lender here. Ask your administrator to complete your invitation, then sign in again. Your current token may be rejected for up to one more minute; a new one works at once."},

	{Forbidden, 403, "Not allowed",
		"You are signed in, but your role does not allow this. A viewer can only read; a member can also submit, cancel, rerun and delete."},
	{TokenRequired, 403, "Sign in for this",
		"You sent an API key, and this needs a token. Sign in and send the same request with your Cognito token."},
	{Suspended, 403, "Suspended",
		"The credential is valid, but its user or lender is suspended. Contact your account manager."},

	{NotFound, 404, "Not found",
		"Nothing exists here, or it belongs to another lender: the response does not say which. Batches are kept for 30 days."},
	{MethodNotAllowed, 405, "The method is not allowed here",
		"The path exists, but not with this method. The Allow header lists the methods you can use."},
	{NotAcceptable, 406, "No acceptable format",
		"The response is not available in any of the media types in your Accept header."},
	{NotCancellable, 409, "The batch has already finished",
		"Every inquiry of the batch has a final status, so there is nothing left to cancel."},
	{NotFinished, 409, "The batch has not finished yet",
		"Some inquiries of the batch do not have a final status yet. Wait until `isTerminal` is true, or cancel the batch first, then send the request again."},
	{IdempotencyInFlight, 409, "A request with the same idempotency key is in progress",
		"Another request, possibly this same one, got in the way. Send the request again with the same Idempotency-Key after the number of seconds in Retry-After."},
	{Conflict, 503, "Too many changes at once",
		"Other requests kept changing the same data at the same time. Send the request again with the same Idempotency-Key."},
	{Deleted, 410, "The batch's data was deleted",
		"Your lender deleted the batch. Its status and counts remain; its inquiries and reports are gone for good."},
	{TooLarge, 413, "The request is too large",
		"The body is larger than `bodyBytesMax` in `GET /v1/users/me`, or the batch is too large to store in one transaction. Split it into smaller batches."},
	{UnsupportedType, 415, "The body's media type is not supported",
		"Send the body as application/json in UTF-8."},

	{Validation, 422, "The request is not valid",
		"Nothing was stored. `errors` lists everything that is wrong: where it is (a JSON pointer into the body, or the name of a parameter), the inquiry's index and externalId, a code for programs, and what to change. It repeats only field names, parameter names and externalIds from your request, never other values."},
	{IdempotencyMismatch, 422, "The idempotency key was used for a different request",
		"You used this Idempotency-Key within the last 24 hours for a different request: a different body, batch or route. This request was not carried out. Use a new key for a new request."},

	{NothingToRerun, 422, "Nothing to rerun",
		"No inquiry of the batch is in the requested scope, or the list of inquiries is empty. Rejected inquiries cannot be rerun: correct them and submit them again."},

	{RateLimited, 429, "Too many requests",
		"Your lender's users and keys together sent requests faster than the limits in `GET /v1/users/me` allow, or polled one batch too often. Wait for the number of seconds in Retry-After. Polling a batch more often than its Retry-After gains nothing: use `waitSeconds` instead, which returns as soon as something changes."},

	{TooManyOpen, 429, "Too many open inquiries",
		"With these inquiries, your lender would have too many in unfinished batches. Nothing was stored. All inquiries of a batch count until the batch finishes. Retry-After estimates when there will be room; canceling a batch makes room sooner."},

	{Internal, 500, "Internal error",
		"The error is on our side and has been logged under the requestId. Send the request again with the same Idempotency-Key. If the error persists, give the requestId to support."},
	{Unavailable, 503, "Temporarily unavailable",
		"A service that we depend on did not answer in time or is at capacity. The request may have been carried out. Send it again after Retry-After with the same Idempotency-Key: it will not be carried out twice."},
	{Timeout, 504, "The request took too long",
		"The request may have been carried out. Send it again with the same Idempotency-Key: it will not be carried out twice."},
}

// Kind returns the kind with this name. A test checks that every constant has one.
func (n Name) Kind() Kind {
	k, _ := Of(n)
	return k
}

// Of returns the kind with this name. ok is false if there is none.
func Of(name Name) (k Kind, ok bool) {
	for _, k := range Kinds {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}

// OfStatus returns the kinds that have an HTTP status.
func OfStatus(status int) []Kind {
	var kinds []Kind
	for _, k := range Kinds {
		if k.Status == status {
			kinds = append(kinds, k)
		}
	}
	return kinds
}
