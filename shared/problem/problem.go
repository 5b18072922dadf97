// Package problem names every kind of error that a caller of the API can meet.
// The function, the authorizer and the gateway all take the names from here, so
// that the same fault is called the same wherever it is found.
//
// It knows words and numbers. How a problem document is written is package
// httpapi's business, and the gateway's.
package problem

// Page is where the reference page is, below what stands before /v1 in the
// address that a client uses.
const Page = "/v1/docs"

// Anchor is what a problem's name is preceded by in its type.
const Anchor = "problem-"

// Kind is one kind of problem. It never changes its name or its status: clients
// compare them.
type Kind struct {
	Name   string `json:"name"`   // completes Type
	Status int    `json:"status"` // the HTTP status it comes with
	Title  string `json:"title"`
	Help   string `json:"help"` // for the reference page: when it happens, and what to do
}

// Type is the kind's URI for a problem document: a reference to its paragraph on
// the reference page, below prefix, which is what stands before /v1 ("/prod" on
// the API's own address, "" on a domain of its own).
func Type(prefix, name string) string { return prefix + Page + "#" + Anchor + name }

// Challenge is what WWW-Authenticate says with a credential that was refused. The
// detail has no quotes.
func Challenge(detail string) string {
	return `Bearer error="invalid_token", error_description="` + detail + `"`
}

// KeyEnded is the detail of every KeyRevoked.
const KeyEnded = "The API key was revoked or rotated. Sign in and make a new one."

// Refusals are the details of the problems that a credential may be, by their names.
// They go into headers and templates as they stand, so they have no quotes.
var Refusals = map[string]string{
	KeyRevoked:   KeyEnded,
	NotAMember:   "The token is genuine, and its user is no member here. Ask your administrator for an invitation, then sign in again.",
	KeyMalformed: "The API key was cut short or mistyped: its checksum does not fit. Copy it again.",
	KeyUnknown:   "The API key has the right form and was not issued here. Check that key and address belong together.",
	TokenExpired: "The token has expired. Sign in again.",
	TokenForeign: "The token is of another user pool. Check that token and address belong together.",
	TokenInvalid: "The token is not one that this service takes. Sign in again.",
}

// The names that more than one of us uses.
const (
	Unauthenticated = "unauthenticated"
	KeyMalformed    = "key-malformed"
	KeyUnknown      = "key-unknown"
	KeyRevoked      = "key-revoked"
	TokenInvalid    = "token-invalid"
	TokenExpired    = "token-expired"
	TokenForeign    = "token-foreign"
	NotAMember      = "not-a-member"
	Suspended       = "suspended"
	NotFound        = "not-found"
	TooLarge        = "too-large"
	UnsupportedType = "unsupported-media"
	RateLimited     = "rate-limited"
	Timeout         = "timeout"
	Internal        = "internal"
	Malformed       = "malformed"
	Unavailable     = "unavailable"
)

// Kinds are all there are, by status.
var Kinds = []Kind{
	{Malformed, 400, "The request cannot be read",
		"The body is missing or is not JSON, or the request breaks HTTP itself. The detail says where reading stopped. Correct the request; sending it again as it is will not help."},

	{Unauthenticated, 401, "Not signed in",
		"There is no credential in the Authorization header, or it is neither a token nor a key. Send `Authorization: Bearer <credential>` with an API key (it begins with vd__) or a Cognito token."},
	{KeyMalformed, 401, "The API key is malformed",
		"It cannot be a key of ours: it was cut short, has a character mistyped, or has something around it. The checksum at its end says so without looking anything up. Copy it again from `GET /v1/users/me/api-key`."},
	{KeyUnknown, 401, "The API key is unknown",
		"It has the form of a key and is none that was issued here. Check that key and address belong together: each environment has keys of its own."},
	{KeyRevoked, 401, "The API key has ended",
		"It was a valid key until it was revoked or rotated. Sign in: with your token, `GET /v1/users/me/api-key` shows the key that is in use, and `POST /v1/users/me/api-key/rotate` makes a new one. Only who holds the whole key is told this."},
	{TokenInvalid, 401, "The token is invalid",
		"Its signature does not fit, it was issued to another application, or it is not a token that this service takes (an ID token or an access token). Sign in again."},
	{TokenExpired, 401, "The token has expired",
		"It was valid and its time is over. Refresh it, or sign in again. For systems that run unattended, use an API key."},
	{TokenForeign, 401, "The token is of another user pool",
		"Its issuer is not this environment's user pool. Check that token and address belong together."},
	// 401, for it is the one status that the gateway has for a refusal. Nor is it
	// far off: signing in again is what helps.
	{NotAMember, 401, "Not a member here",
		"The token is genuine, and nothing is wrong with the header: its user has an account and acts for no lender here. Ask your administrator to finish the invitation, then sign in again. The token that you had is refused for up to five minutes more, a new one is not."},

	{"forbidden", 403, "Not allowed",
		"You are signed in, and your role may not do this. A viewer reads; a member also submits, cancels and reruns."},
	{Suspended, 403, "Suspended",
		"The credential is genuine, and its user or lender may not use the service at the moment. Ask your contact with us."},

	{NotFound, 404, "Not found",
		"There is nothing here, or it is another lender's: the two cannot be told apart. Batches are kept for 30 days."},
	{"method-not-allowed", 405, "The method is not allowed here",
		"The path exists, and not with this method. The Allow header lists those it has."},
	{"not-acceptable", 406, "No acceptable representation",
		"The Accept header asks for media types that this answer does not come in."},
	{"not-cancellable", 409, "The batch is already finished",
		"Every inquiry of the batch has its final status, so there is nothing left to cancel."},
	{"not-finished", 409, "The batch is not finished yet",
		"Some of its inquiries have no final status. Send the request again when isTerminal is true, or cancel the batch first."},
	{"idempotency-in-flight", 409, "A request with the same idempotency key is under way",
		"Another request got in the way, which may be the same one. Retry-After says when to send it again, with the same Idempotency-Key."},
	{"conflict", 503, "Too many changes at once",
		"Others changed the same thing at the same moment, several times in a row. Send the request again, with the same Idempotency-Key."},
	{"deleted", 410, "The batch's data was deleted",
		"Your lender deleted the batch. Its status and counts remain; its inquiries and reports are gone for good."},
	{TooLarge, 413, "The request is too large",
		"A body has at most 5 MiB, and a batch must fit one transaction of the table. Split it into smaller batches."},
	{UnsupportedType, 415, "The body's media type is not supported",
		"Send the body as application/json, in UTF-8."},

	{"validation", 422, "The request breaks the rules",
		"Nothing was stored. `errors` lists everything that is wrong: where (a JSON pointer into the body, or a parameter's name), the inquiry's index and externalId, a code for programs, and what to change. Of what was sent it repeats names of members and parameters, and externalIds; no other value."},
	{"idempotency-mismatch", 422, "The idempotency key was used for another request",
		"Within the last 24 hours, this Idempotency-Key came with another request: another body, another batch or another route. Nothing was done for this one. Use a new key for a new request."},

	{"nothing-to-rerun", 422, "Nothing to run again",
		"The batch has no inquiry in the scope that the request names, or it lists none. Inquiries that were rejected cannot be run again: correct and submit them."},

	{RateLimited, 429, "Too many requests",
		"Your lender's users and keys together have sent more requests than the limits that GET /v1/users/me shows, or one batch was polled too often. Retry-After says for how many seconds to wait. Polling a batch more often than its Retry-After gains nothing: ask with waitSeconds instead, which answers as soon as something changed."},

	{"too-many-open", 429, "Too many open inquiries",
		"With these, your lender's unfinished batches would have more inquiries than it may have open. Nothing was stored. A batch counts with all its inquiries until it is finished. Retry-After estimates when there is room; cancelling a batch makes room sooner."},

	{Internal, 500, "Internal error",
		"The error is ours and has been logged under the requestId. Send the request again with the same Idempotency-Key; if it stays, give support the requestId."},
	{Unavailable, 503, "Not available at the moment",
		"Something that we depend on did not answer in time, or takes no more at the moment. The request may have been carried out. Send it again as Retry-After says, with the same Idempotency-Key: it will not be carried out twice."},
	{Timeout, 504, "The answer took too long",
		"The request may have been carried out. Send it again with the same Idempotency-Key: it will not be carried out twice."},
}

// Of returns the kind of this name; ok is false when there is none.
func Of(name string) (k Kind, ok bool) {
	for _, k := range Kinds {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}

// OfStatus returns the kinds that come with an HTTP status.
func OfStatus(status int) []Kind {
	var kinds []Kind
	for _, k := range Kinds {
		if k.Status == status {
			kinds = append(kinds, k)
		}
	}
	return kinds
}
