"""What every adapter to a cloud shares: limits as data, places in a bucket, staging."""
