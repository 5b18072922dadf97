package main

import (
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/shared/fairuse"
)

func TestNewFirewall(t *testing.T) {
	t.Parallel()

	t.Run("it limits the rate of each address", func(t *testing.T) {
		t.Parallel()

		acl := prod().one(t, "AWS::WAFv2::WebACL", "").Properties
		same(t, "scope", acl["Scope"], "REGIONAL")
		same(t, "what passes", acl["DefaultAction"], any(map[string]any{"Allow": map[string]any{}}))
		same(t, "rules", len(list(acl["Rules"])), 1)
		rule := at(acl, "Rules", 0)
		same(t, "what the rule does", at(rule, "Action"), any(map[string]any{"Block": map[string]any{}}))
		rate := at(rule, "Statement", "RateBasedStatement")
		same(t, "the rate", rate, any(map[string]any{"AggregateKeyType": "IP", "EvaluationWindowSec": 60.0, "Limit": 2600.0}))
		// A lender who keeps to the limits sends all requests from one address.
		if lender := 60*fairuse.Requests.PerSecond + fairuse.Requests.Burst; at(rate, "Limit").(float64) <= float64(lender) {
			t.Errorf("a lender may send %d requests in a minute and is blocked", lender)
		}
		same(t, "samples, which have addresses", strings.Count(text(acl), `"SampledRequestsEnabled":false`), 2)
		association := prod().one(t, "AWS::WAFv2::WebACLAssociation", "").Properties
		if where := text(association["ResourceArn"]); !strings.Contains(where, "DeploymentStage") {
			t.Errorf("the firewall is in front of %s", where)
		}
	})

	// It costs money, and the local engine has none.
	t.Run("stages that may lose their data have none", func(t *testing.T) {
		t.Parallel()

		for id, r := range dev().Resources {
			if strings.HasPrefix(r.Type, "AWS::WAF") {
				t.Errorf("dev has %s", id)
			}
		}
		same(t, "local keeps its data", Props{Stage: "local"}.keepsData(), false)
	})
}
