package store

// The table's words that other packages need too: infra for the stream's filters,
// the functions' permissions and the table's declaration, the local engine for the
// tables that it creates, and the bench. The simulator's checks spell them again on
// purpose, as an independent check. In this package, DynamoDB expressions and struct
// tags spell out attribute names, because a constant would make them unreadable.

// Attribute names.
const (
	PKAttribute = "PK" // the partition key
	SKAttribute = "SK" // the sort key

	// ExpiresAtAttribute is the table's TTL attribute, in seconds since 1970.
	ExpiresAtAttribute = "expiresAt"

	// StatusAttribute says how far an inquiry or a batch has come, EventAttribute
	// why a header was last written.
	StatusAttribute = "status"
	EventAttribute  = "event"

	// ReportAttribute is an inquiry's report.
	ReportAttribute = "report"

	// OpenInquiriesAttribute is a lender's number of inquiries in unfinished
	// batches, APIKeyIDAttribute a user's current API key.
	OpenInquiriesAttribute = "open"
	APIKeyIDAttribute      = "apiKeyId"
)

// OpenIndex is the sparse index of unfinished batches. Only the headers of
// unfinished batches have its partition key and its sort key.
const (
	OpenIndex            = "open"
	OpenShardAttribute   = "openShard"
	NextCheckAtAttribute = "nextCheckAt" // seconds since 1970

	// OpenBegun is the partition of the index for the batches that a sweep has begun
	// with and not ended.
	OpenBegun = "begun"
)

// OpenShards are the partitions of the index in which batches wait for a sweep. There
// are several because all batches begin and end here, and DynamoDB limits the writes to
// one partition to 1,000 a second.
var OpenShards = [...]string{"0", "1", "2", "3", "4", "5", "6", "7"}

// Keys and parts of keys. The package documentation shows the whole table.
const (
	LenderProfilePrefix = "LENDERPROFILE#"
	LenderPrefix        = "LENDER#"
	BatchInfix          = "#BATCH#"
	UserPrefix          = "USER#"
	APIKeyPrefix        = "APIKEY#"

	ProfileSK         = "PROFILE"
	CountsSK          = "COUNTS"
	HeaderSK          = "HEADER"
	WaitsSK           = "WAITS"
	PlacePrefix       = "BATCH#"
	PagePrefix        = "PAGE#"
	InquiryPrefix     = "INQUIRY#"
	IdempotencyPrefix = "IDEMPOTENCY#"
)
