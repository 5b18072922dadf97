package main

import (
	"testing"
)

func TestNewIdentity(t *testing.T) {
	t.Parallel()

	t.Run("only invited users sign in", func(t *testing.T) {
		t.Parallel()

		pool := dev().one(t, "AWS::Cognito::UserPool", "").Properties
		same(t, "only administrators create users", at(pool, "AdminCreateUserConfig", "AllowAdminCreateUserOnly"), true)
		if shortest, _ := at(pool, "Policies", "PasswordPolicy", "MinimumLength").(float64); shortest < 12 {
			t.Errorf("passwords may have only %v characters", shortest)
		}
		client := dev().one(t, "AWS::Cognito::UserPoolClient", "").Properties
		same(t, "attributes that a user can change", client["WriteAttributes"], any([]any{"name"}))
		same(t, "sign-in flows", client["ExplicitAuthFlows"], any([]any{
			"ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH",
		}))
		same(t, "client secret", client["GenerateSecret"], false)
		same(t, "errors that reveal whether a user exists", client["PreventUserExistenceErrors"], "ENABLED")
		same(t, "token revocation", client["EnableTokenRevocation"], true)
	})
}
