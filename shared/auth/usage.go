package auth

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// UsageKey returns the value of the API Gateway key under which the gateway counts a
// lender's requests to a stage. Gateway keys have 20 to 128 letters and digits and
// are unique in an account and region, so the stage is part of the value
// (docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html).
//
// The value is a name and not a secret. It does not authenticate anybody: the gateway
// takes it from the authorizer and ignores the X-API-Key header
// (docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-key-source.html).
func UsageKey(stage string, lender inquiry.LenderID) string {
	sum := sha256.Sum256([]byte(stage + "/" + string(lender))) // neither contains a slash
	return hex.EncodeToString(sum[:20])
}
