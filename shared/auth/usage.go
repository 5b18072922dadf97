package auth

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// UsageKey is the value of the API Gateway key that a lender's requests to a
// stage are counted under. Gateway keys have 20 to 128 letters and digits and are
// unique in an account and region, hence the stage
// (docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html).
//
// It is a name and no secret: nobody gets in with it. The gateway takes it from
// our authorizer and does not look at the X-API-Key header
// (docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-key-source.html).
func UsageKey(stage string, lender inquiry.LenderID) string {
	sum := sha256.Sum256([]byte(stage + "/" + string(lender))) // neither has a slash
	return hex.EncodeToString(sum[:20])
}
