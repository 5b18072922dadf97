package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// countRequests makes the gateway count a lender's requests. It adds a gateway key
// for the lender to the usage plan, which limits each of its keys separately. An
// earlier run may have done some of this.
func (a *admin) countRequests(ctx context.Context, id inquiry.LenderID) error {
	stage, err := a.stageOfPlan(ctx)
	if err != nil {
		return err
	}
	keyID, err := a.gatewayKey(ctx, "batch-inquiries-"+stage+"-"+string(id), auth.UsageKey(stage, id))
	if err != nil {
		return err
	}
	_, err = a.gateway.CreateUsagePlanKey(ctx, &apigateway.CreateUsagePlanKeyInput{UsagePlanId: &a.planID, KeyId: &keyID, KeyType: aws.String("API_KEY")})
	if _, conflict := errors.AsType[*types.ConflictException](err); conflict {
		// The key is already in this plan, or in another plan of the same stage.
		if _, err := a.gateway.GetUsagePlanKey(ctx, &apigateway.GetUsagePlanKeyInput{UsagePlanId: &a.planID, KeyId: &keyID}); err == nil {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("adding gateway key %s to usage plan %s: %w", keyID, a.planID, err)
	}
	return nil
}

// stageOfPlan returns the stage that the usage plan applies to.
func (a *admin) stageOfPlan(ctx context.Context) (string, error) {
	plan, err := a.gateway.GetUsagePlan(ctx, &apigateway.GetUsagePlanInput{UsagePlanId: &a.planID})
	if err != nil {
		return "", fmt.Errorf("reading usage plan %s: %w", a.planID, err)
	}
	if len(plan.ApiStages) != 1 || aws.ToString(plan.ApiStages[0].Stage) == "" {
		return "", fmt.Errorf("usage plan %s applies to %d stages, but a deployment's plan applies to one; check --usage-plan or --stack", a.planID, len(plan.ApiStages))
	}
	return *plan.ApiStages[0].Stage, nil
}

// gatewayKey returns the ID of the gateway key with this value. It creates the key
// if it does not exist.
func (a *admin) gatewayKey(ctx context.Context, name, value string) (id string, err error) {
	key, err := a.gateway.CreateApiKey(ctx, &apigateway.CreateApiKeyInput{
		Name: &name, Value: &value, Enabled: true,
		Description: aws.String("Counts a lender's requests; it gives no access"),
	})
	if err == nil {
		return aws.ToString(key.Id), nil
	}
	// Status 409, "API Key already exists": github.com/rrahul963/serverless-add-api-key/issues/27
	if _, exists := errors.AsType[*types.ConflictException](err); !exists {
		return "", fmt.Errorf("creating gateway key %s: %w", name, err)
	}
	pages := apigateway.NewGetApiKeysPaginator(a.gateway, &apigateway.GetApiKeysInput{NameQuery: &name, IncludeValues: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", fmt.Errorf("finding gateway key %s: %w", name, err)
		}
		for _, key := range page.Items { // NameQuery also finds longer names
			if aws.ToString(key.Value) == value {
				return aws.ToString(key.Id), nil
			}
		}
	}
	return "", fmt.Errorf("a gateway key with another name has the value meant for %s; delete that key in API Gateway, then run the same command again", name)
}
