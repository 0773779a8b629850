class MlflowException(Exception):
    error_code = "INTERNAL_ERROR"
