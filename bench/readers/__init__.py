"""The same events read by others: airbyte-cdk, dlt and singer-sdk, each as its own process in its own environment."""
