package main

import (
	"testing"
)

func TestNewIdentity(t *testing.T) {
	t.Parallel()

	t.Run("only invited users sign in", func(t *testing.T) {
		t.Parallel()

		pool := dev().one(t, "AWS::Cognito::UserPool", "").Properties
		same(t, "sign-up by administrators only", at(pool, "AdminCreateUserConfig", "AllowAdminCreateUserOnly"), true)
		if shortest, _ := at(pool, "Policies", "PasswordPolicy", "MinimumLength").(float64); shortest < 12 {
			t.Errorf("passwords may have %v characters", shortest)
		}
		client := dev().one(t, "AWS::Cognito::UserPoolClient", "").Properties
		same(t, "attributes that a signed-in user can write", client["WriteAttributes"], any([]any{"name"}))
		same(t, "flows", client["ExplicitAuthFlows"], any([]any{
			"ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH",
		}))
		same(t, "secret", client["GenerateSecret"], false)
		same(t, "user existence", client["PreventUserExistenceErrors"], "ENABLED")
		same(t, "revocation", client["EnableTokenRevocation"], true)
	})
}
