/*
 * Stands in for the class of that name in Atlassian's Seraph: written from the public
 * documentation of its API, with what the authenticator uses; only to compile and
 * test it. No code of Atlassian is in it.
 */
package com.atlassian.seraph.config;

public interface SecurityConfig {
}
