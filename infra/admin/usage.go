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

// countRequests has the gateway count a lender's requests: a gateway key of the
// lender's own is in the usage plan, which bounds each of its keys by itself. It
// may be there already, in part or whole.
func (a *admin) countRequests(ctx context.Context, id inquiry.LenderID) error {
	stage, err := a.stageOfPlan(ctx)
	if err != nil {
		return err
	}
	keyID, err := a.gatewayKey(ctx, "batch-inquiries-"+stage+"-"+string(id), auth.UsageKey(stage, id))
	if err != nil {
		return err
	}
	_, err = a.gateway.CreateUsagePlanKey(ctx, &apigateway.CreateUsagePlanKeyInput{UsagePlanId: &a.plan, KeyId: &keyID, KeyType: aws.String("API_KEY")})
	if _, conflict := errors.AsType[*types.ConflictException](err); conflict {
		// In this plan already, or in another one of the same stage.
		if _, err := a.gateway.GetUsagePlanKey(ctx, &apigateway.GetUsagePlanKeyInput{UsagePlanId: &a.plan, KeyId: &keyID}); err == nil {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("putting gateway key %s into usage plan %s: %w", keyID, a.plan, err)
	}
	return nil
}

// stageOfPlan returns the one stage that the usage plan is for.
func (a *admin) stageOfPlan(ctx context.Context) (string, error) {
	plan, err := a.gateway.GetUsagePlan(ctx, &apigateway.GetUsagePlanInput{UsagePlanId: &a.plan})
	if err != nil {
		return "", fmt.Errorf("reading usage plan %s: %w", a.plan, err)
	}
	if len(plan.ApiStages) != 1 || aws.ToString(plan.ApiStages[0].Stage) == "" {
		return "", fmt.Errorf("usage plan %s is for %d stages; ours is for one", a.plan, len(plan.ApiStages))
	}
	return *plan.ApiStages[0].Stage, nil
}

// gatewayKey returns the id of the gateway key with this value, which it creates
// unless there is one.
func (a *admin) gatewayKey(ctx context.Context, name, value string) (id string, err error) {
	key, err := a.gateway.CreateApiKey(ctx, &apigateway.CreateApiKeyInput{
		Name: &name, Value: &value, Enabled: true,
		Description: aws.String("Counts a lender's requests; nobody gets in with it"),
	})
	if err == nil {
		return aws.ToString(key.Id), nil
	}
	// "API Key already exists", with status 409: github.com/rrahul963/serverless-add-api-key/issues/27
	if _, exists := errors.AsType[*types.ConflictException](err); !exists {
		return "", fmt.Errorf("creating gateway key %s: %w", name, err)
	}
	pages := apigateway.NewGetApiKeysPaginator(a.gateway, &apigateway.GetApiKeysInput{NameQuery: &name, IncludeValues: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", fmt.Errorf("looking for gateway key %s: %w", name, err)
		}
		for _, key := range page.Items { // longer names may be among them
			if aws.ToString(key.Value) == value {
				return aws.ToString(key.Id), nil
			}
		}
	}
	return "", fmt.Errorf("another gateway key than %s has its value already; delete that key", name)
}
